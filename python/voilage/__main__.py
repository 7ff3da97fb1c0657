"""The `voilage` command, as the wheel installs it; also ``python -m voilage``."""

from __future__ import annotations

import signal
import sys

from voilage import _native


def main() -> int:
    """Run the command line of this process and return its exit code."""
    # Python would only note Ctrl-C until the engine returns. To be stopped at any moment is safe:
    # a charge is durable before data is read, and the rerun completes it without another.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.main(["voilage", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
