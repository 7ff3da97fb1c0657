//! Where rows go when memory is short: a folder for each execution, which nobody else can read and
//! which is gone when the execution ends, however it ends.
//!
//! A folder is locked while its execution lives. The lock ends with the process, so that whoever
//! opens the hub next can tell what a killed one left behind, and removes it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::ipc::writer::StreamWriter;
use voilage_kernels::Spill;

/// Held while folders are made or removed, so that no new one looks like a left one.
const ROOT_LOCK: &str = "lock";
/// Held by the execution whose folder it is in.
const FOLDER_LOCK: &str = "in-use";
/// Folders of one process that may be in use at the same time.
const FOLDERS_MAX: u32 = 1 << 20;

/// The folder in which executions make theirs.
#[derive(Debug, Clone)]
pub(crate) struct SpillRoot(PathBuf);

impl SpillRoot {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Removes what killed executions left behind. What cannot be removed stays: an execution that
    /// needs the place will say so.
    pub(crate) fn clear(&self) {
        let Ok(_held) = self.held() else { return };
        let Ok(entries) = fs::read_dir(&self.0) else { return };
        for folder in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
            let lock = OpenOptions::new().write(true).open(folder.join(FOLDER_LOCK));
            let in_use = lock.is_ok_and(|lock| lock.try_lock().is_err());
            if !in_use {
                let _ = fs::remove_dir_all(&folder);
            }
        }
    }

    /// The lock of the root, if there is a root.
    fn held(&self) -> io::Result<File> {
        let lock = OpenOptions::new().create(true).append(true).open(self.0.join(ROOT_LOCK))?;
        lock.lock()?;
        Ok(lock)
    }

    fn make_folder(&self) -> io::Result<OpenFolder> {
        private(true).create(&self.0)?;
        let _held = self.held()?;
        let process = std::process::id();
        for number in 0..FOLDERS_MAX {
            let path = self.0.join(format!("{process}-{number}"));
            match private(false).create(&path) {
                Ok(()) => {
                    let lock = File::create(path.join(FOLDER_LOCK))?;
                    lock.lock()?;
                    return Ok(OpenFolder { path, _lock: lock });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("too many folders are in use"))
    }
}

/// Rows of people lie in these folders: only their owner may look.
fn private(recursive: bool) -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(recursive);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// The folder of one execution, made when it is first needed and removed when dropped.
#[derive(Debug)]
pub(crate) struct SpillFolder {
    root: SpillRoot,
    open: Mutex<Option<OpenFolder>>,
}

#[derive(Debug)]
struct OpenFolder {
    path: PathBuf,
    _lock: File,
}

impl Drop for OpenFolder {
    fn drop(&mut self) {
        // What remains is removed when a hub is opened next.
        let _ = fs::remove_dir_all(&self.path);
    }
}

impl SpillFolder {
    pub(crate) fn new(root: &SpillRoot) -> Self {
        Self { root: root.clone(), open: Mutex::default() }
    }

    /// The folder, made if need be.
    pub(crate) fn path(&self) -> io::Result<PathBuf> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = &*open {
            return Ok(folder.path.clone());
        }
        Ok(open.insert(self.root.make_folder()?).path.clone())
    }

    fn file(&self, slot: u32) -> io::Result<PathBuf> {
        Ok(self.path()?.join(format!("{slot}.arrows")))
    }
}

impl Spill for SpillFolder {
    fn put(&self, slot: u32, batch: &RecordBatch) -> Result<(), String> {
        let path = self.file(slot).map_err(|error| told(&self.root.0, &error))?;
        append(&path, batch).map_err(|error| told(&path, &error))
    }

    fn take(&self, slot: u32) -> Result<Vec<RecordBatch>, String> {
        let path = self.file(slot).map_err(|error| told(&self.root.0, &error))?;
        if !path.exists() {
            return Ok(Vec::new());
        }
        let batches = read(&path).map_err(|error| told(&path, &error))?;
        // Taken once; the disk is free for others.
        let _ = fs::remove_file(&path);
        Ok(batches)
    }
}

fn told(path: &Path, error: &dyn std::error::Error) -> String {
    format!("{}: {error}", path.display())
}

/// Each batch is a stream of its own, so that no file stays open.
fn append(path: &Path, batch: &RecordBatch) -> Result<(), ArrowError> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let mut writer = StreamWriter::try_new(BufWriter::new(file), &batch.schema())?;
    writer.write(batch)?;
    writer.into_inner()?.flush()?;
    Ok(())
}

fn read(path: &Path) -> Result<Vec<RecordBatch>, ArrowError> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut batches = Vec::new();
    while !reader.fill_buf()?.is_empty() {
        for batch in StreamReader::try_new(&mut reader, None)? {
            batches.push(batch?);
        }
    }
    Ok(batches)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, Int64Array};

    use super::*;

    fn batch(numbers: &[i64]) -> RecordBatch {
        let numbers: ArrayRef = Arc::new(Int64Array::from(numbers.to_vec()));
        RecordBatch::try_from_iter([("n", numbers)]).unwrap()
    }

    fn folders(root: &Path) -> usize {
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        entries.filter(|entry| entry.path().is_dir()).count()
    }

    /// A place below the system's folder for such things, removed at the end.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("voilage-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_is_put_can_be_taken_and_nothing_stays() {
        let place = Place::new("put");
        let root = SpillRoot::new(place.0.join("deep/spill"));
        let folder = SpillFolder::new(&root);
        assert!(!root.0.exists(), "nothing is made before it is needed");
        folder.put(3, &batch(&[1, 2])).unwrap();
        folder.put(3, &batch(&[3])).unwrap();
        folder.put(4, &batch(&[4])).unwrap();
        // Another execution of the same process, and somebody who opens the hub meanwhile.
        let other = SpillFolder::new(&root);
        other.put(3, &batch(&[9])).unwrap();
        root.clear();
        assert_eq!(folders(&root.0), 2);
        assert_eq!(folder.take(3).unwrap(), [batch(&[1, 2]), batch(&[3])]);
        assert_eq!(folder.take(5).unwrap(), []);
        drop((folder, other));
        assert_eq!(folders(&root.0), 0);
    }

    #[test]
    fn what_a_killed_execution_left_is_removed_by_the_next() {
        let place = Place::new("left");
        let root = SpillRoot::new(place.0.clone());
        let folder = SpillFolder::new(&root);
        folder.put(0, &batch(&[1])).unwrap();
        // As after a kill: the folder is there, and nobody holds its lock.
        let left = root.0.join("1-0");
        fs::create_dir(&left).unwrap();
        fs::write(left.join(FOLDER_LOCK), "").unwrap();
        fs::write(left.join("0.arrows"), "rows").unwrap();
        // Killed between making the folder and its lock.
        fs::create_dir(root.0.join("1-1")).unwrap();
        root.clear();
        assert_eq!(folders(&root.0), 1);
        assert_eq!(folder.take(0).unwrap(), [batch(&[1])]);
    }

    #[test]
    fn places_that_cannot_be_used_are_errors() {
        let place = Place::new("bad");
        fs::write(&place.0, "a file").unwrap();
        let folder = SpillFolder::new(&SpillRoot::new(place.0.clone()));
        assert!(folder.put(0, &batch(&[1])).is_err());
        fs::remove_file(&place.0).unwrap();
        folder.put(0, &batch(&[1])).unwrap();
        let file = folder.file(0).unwrap();
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
        assert!(folder.take(0).is_err());
    }

    /// A disk that is full in the middle: an error with its reason, and nothing stays behind.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_and_leaves_nothing() {
        let place = Place::new("full");
        let root = SpillRoot::new(place.0.clone());
        let folder = SpillFolder::new(&root);
        folder.put(0, &batch(&[1])).unwrap();
        // Writing to this device fails as on a disk without space.
        std::os::unix::fs::symlink("/dev/full", folder.file(1).unwrap()).unwrap();
        let error = folder.put(1, &batch(&[2])).unwrap_err();
        assert!(error.contains("No space left"), "{error}");
        assert_eq!(folder.take(0).unwrap(), [batch(&[1])]);
        drop(folder);
        assert_eq!(folders(&root.0), 0);
    }
}
