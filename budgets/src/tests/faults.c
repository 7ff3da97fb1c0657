/* Preloaded into a process that charges: counts its file-system calls between the marks `arm` and
 * `disarm`, and lets the one that VOILAGE_FAULT_CALL names fail as VOILAGE_FAULT_MODE says: `kill`
 * ends the process before it, `eio` and `enospc` return that error. Calls on the standard streams
 * do not count, nor do reads that nobody's durability depends on.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int armed;
static long calls;

/* Whether this call must fail; then errno is set. */
static int fails(int writes)
{
    if (!armed)
        return 0;
    calls++;
    const char *at = getenv("VOILAGE_FAULT_CALL"), *mode = getenv("VOILAGE_FAULT_MODE");
    if (!at || !mode || calls != atol(at))
        return 0;
    if (!strcmp(mode, "kill"))
        kill(getpid(), SIGKILL);
    if (!strcmp(mode, "enospc") && !writes)
        return 0;
    errno = strcmp(mode, "enospc") ? EIO : ENOSPC;
    return 1;
}

static int is_mark(const char *path)
{
    if (!strcmp(path, "/voilage-fault/arm"))
        return armed = 1;
    if (strcmp(path, "/voilage-fault/disarm"))
        return 0;
    armed = 0;
    dprintf(1, "calls %ld\n", calls);
    return 1;
}

#define NEXT(name) static typeof(name) *next; if (!next) next = dlsym(RTLD_NEXT, #name)

#define OPEN(name)                                                  \
    int name(const char *path, int flags, ...)                      \
    {                                                               \
        NEXT(name);                                                 \
        va_list arguments;                                          \
        va_start(arguments, flags);                                 \
        mode_t mode = va_arg(arguments, mode_t);                    \
        va_end(arguments);                                          \
        if (is_mark(path)) {                                        \
            errno = ENOENT;                                         \
            return -1;                                              \
        }                                                           \
        return fails(flags & O_CREAT) ? -1 : next(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

ssize_t write(int file, const void *bytes, size_t count)
{
    NEXT(write);
    return file > 2 && fails(1) ? -1 : next(file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset)
{
    NEXT(pwrite);
    return fails(1) ? -1 : next(file, bytes, count, offset);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset)
{
    NEXT(pwrite64);
    return fails(1) ? -1 : next(file, bytes, count, offset);
}

int fsync(int file)
{
    NEXT(fsync);
    return fails(0) ? -1 : next(file);
}

int fdatasync(int file)
{
    NEXT(fdatasync);
    return fails(0) ? -1 : next(file);
}

int ftruncate(int file, off_t length)
{
    NEXT(ftruncate);
    return fails(1) ? -1 : next(file, length);
}

int ftruncate64(int file, off64_t length)
{
    NEXT(ftruncate64);
    return fails(1) ? -1 : next(file, length);
}

int unlink(const char *path)
{
    NEXT(unlink);
    return fails(0) ? -1 : next(path);
}
