"""The files of the project: tracked and new ones, without what git ignores.

As a program: prints those with the given endings, separated by NUL."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED_FOLDERS = {".git", "build", "node_modules", "__pycache__"}


def _from_git(root):
    listing = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=True).stdout
    return [name.decode() for name in listing.split(b"\0") if name]


def _from_disk(root):
    names = []
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = [name for name in subfolders if name not in SKIPPED_FOLDERS]
        names += [os.path.relpath(os.path.join(folder, name), root) for name in files]
    return names


def project_files(endings=None, root=ROOT):
    """Paths relative to the root, sorted, of files that exist."""
    try:
        names = _from_git(root)
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive
        names = _from_disk(root)
    return sorted(name for name in names
                  if os.path.isfile(os.path.join(root, name))
                  and (endings is None or name.endswith(tuple(endings))))


def read_text(name, root=ROOT):
    """The text of a file, or None if it is binary."""
    with open(os.path.join(root, name), "rb") as file:
        content = file.read()
    if b"\0" in content[:8192]:
        return None
    return content.decode("utf-8", errors="replace")


if __name__ == "__main__":
    sys.stdout.write("".join(name + "\0" for name in project_files(sys.argv[1:])))
