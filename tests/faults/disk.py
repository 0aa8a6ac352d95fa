# SPDX-License-Identifier: Apache-2.0
"""What a power cut may leave of a directory: a recorded trace of system calls replayed into a model that
knows what was synced, and from which unsynced operations can be left out.

The model takes nothing for granted that POSIX does not promise. fsync() and fdatasync() of a file make
its data and size durable and not its name; names are durable when their directory was synced. Until then each write, change of
size, new name, lost name and renaming (which is one operation: the old state or the new) may reach the disk or
not, whatever became of the others; a write may be torn at a sector, or its length arrive without its data."""

import os
import re

SECTOR = 512
# What is traced: all that changes files or names, what the model needs to follow descriptors, and what
# the world sees.
CHANGES = ("write", "writev", "pwrite64", "pwritev", "pwritev2", "ftruncate", "truncate", "fallocate", "copy_file_range",
           "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "unlink", "unlinkat", "mkdir",
           "mkdirat", "rmdir", "creat")
SYNCS = ("fsync", "fdatasync", "sync", "syncfs", "sync_file_range", "msync")
SEEN = ("sendto", "sendmsg")
CALLS = (*CHANGES, *SYNCS, *SEEN, "openat", "close")

_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')


class File:
    def __init__(self):
        self.durable, self.pending = b"", []  # operations

    def content(self, operations):
        data = bytearray(self.durable)
        for operation in operations:
            operation.change(data)
        return bytes(data)


class Folder:
    def __init__(self):
        self.durable, self.pending = {}, []

    def content(self, operations):
        names = dict(self.durable)
        for operation in operations:
            operation.change(names)
        return names


class Operation:
    """One thing that a disk does or not. name tells it from others; data: the bytes of a write."""

    def __init__(self, serial, name, change, offset=None, data=None):
        self.serial, self.name, self.change, self.offset, self.data = serial, name, change, offset, data


def _put(offset, data):
    def change(content):
        if len(content) < offset:
            content.extend(bytes(offset - len(content)))
        content[offset:offset + len(data)] = data
    return change


def _resize(size):
    def change(content):
        del content[size:]
        content.extend(bytes(size - len(content)))
    return change


def _names(old, new, node):
    def change(names):
        if old is not None and names.get(old) is node:
            del names[old]
        if new is not None:
            names[new] = node
    return change


class Disk:
    """The folder `root`, of which the name `top` and all below it are modelled."""

    def __init__(self, root, top):
        self.root, self.top = root, top
        self.folder = Folder()
        self.serial = 0
        self.seen = 0  # things that the world saw

    # --- replaying

    def replay(self, calls):
        """Follows one process: yields (call, n) before each call that changes, syncs or is seen, as
        numbered by strace.number(), with the model as that call finds it."""
        descriptors = {}
        for call, n in calls:
            if call.name in CHANGES + SYNCS + SEEN:
                yield call, n
            if call.result == "?" or call.result.startswith("-1"):
                continue
            self._apply(call, descriptors)

    def _apply(self, call, descriptors):
        name, args = call.name, call.args
        if name == "openat":
            node = self._open(args)
            if node is not None:
                descriptors[int(call.result.split("<")[0])] = node
        elif name == "close":
            descriptors.pop(_number(args), None)
        elif name in SEEN:
            self.seen += 1
        elif name in ("fsync", "fdatasync"):
            if _number(args) in descriptors:
                self._sync(descriptors[_number(args)])
        elif name in ("write", "pwrite64", "ftruncate"):
            if _number(args) in descriptors:
                self._write(name, args, descriptors[_number(args)], call.result)
            elif args.startswith("1<"):
                self.seen += 1
        elif name in ("rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat"):
            self._rename(name, _paths(args))
        elif any(self._place(path) for path in _paths(args)) or _number(args) in descriptors:
            raise NotImplementedError(f"the model of the disk does not know {name}({args[:200]}")

    def _pend(self, node, name, change, offset=None, data=None):
        self.serial += 1
        node.pending.append(Operation(self.serial, name, change, offset, data))

    @staticmethod
    def _sync(node):
        node.durable, node.pending = node.content(node.pending), []

    def _place(self, path):
        """(folder, name) of a path that is modelled."""
        relative = os.path.relpath(path, self.root).split(os.sep)
        if relative[0] != self.top:
            return None
        folder = self.folder
        for name in relative[:-1]:
            folder = folder.content(folder.pending).get(name)
        return folder, relative[-1]

    def _find(self, path):
        if os.path.normpath(path) == self.root:
            return self.folder
        place = self._place(path)
        return place[0].content(place[0].pending).get(place[1]) if place else None

    def _open(self, args):
        path = _paths(args)[0]
        node = self._find(path)
        place = self._place(path)
        if node is None and place and "O_CREAT" in args:
            node = File()
            self._pend(place[0], f"create {place[1]}", _names(None, place[1], node))
        elif node is not None and "O_TRUNC" in args:
            self._pend(node, f"cut {place[1]}", _resize(0))
        return node

    def _write(self, name, args, node, result):
        if name == "ftruncate":
            self._pend(node, "resize", _resize(_number(args, 1)))
            return
        match = _TEXT.search(args)
        if match[2]:
            raise NotImplementedError("a write is longer than what was traced")
        data = _bytes(match[1])[:int(result)]
        # Without an offset: nobody here writes twice to a file in that way, or seeks.
        offset = _number(args, 3) if name == "pwrite64" else len(node.content(node.pending))
        self._pend(node, f"write {len(data)} at {offset}", _put(offset, data), offset, data)

    def _rename(self, name, paths):
        places = [self._place(path) for path in paths]
        if not any(places):
            return
        if name.startswith(("rename", "link")):
            (folder, old), (target, new) = places
            if target is not folder:
                raise NotImplementedError("a name goes to another folder")
            node = self._find(paths[0])
            moved = None if name.startswith("link") else old
            self._pend(folder, f"{name} {old} {new}", _names(moved, new, node))
            return
        folder, old = places[0]
        if name.startswith("mkdir"):
            self._pend(folder, f"mkdir {old}", _names(None, old, Folder()))
        else:
            self._pend(folder, f"unlink {old}", _names(old, None, self._find(paths[0])))

    # --- what a power cut leaves

    def _nodes(self):
        """All that may have operations pending: what can be reached before or after any of them."""
        found, todo = [], [self.folder]
        while todo:
            node = todo.pop()
            if any(node is f for f in found):
                continue
            found.append(node)
            if isinstance(node, Folder):
                todo += node.durable.values()
                for k in range(len(node.pending) + 1):
                    todo += node.content(node.pending[:k]).values()
        return found

    def pending(self):
        """The operations that are not durable, in their order."""
        return sorted((o for node in self._nodes() for o in node.pending), key=lambda o: o.serial)

    def variants(self):
        """Names of what may reach the disk of the pending operations, counted from 0: "none 0", "only 3"
        ... "data 3" is all, but zeros where that one made the file longer."""
        pending, size = self.pending(), {}
        for node in self._nodes():
            size.update({o.serial: len(node.durable) for o in node.pending})
        names = ["none 0"] if pending else []
        for at, operation in enumerate(pending):
            names += [f"all-but {at}", f"only {at}", f"before {at}", f"after {at}"]
            if operation.data is not None:
                if operation.offset >= size[operation.serial]:
                    names += [f"data {at}"]
                if len(operation.data) > SECTOR:
                    names += [f"torn {at}", f"torn-end {at}"]
        return names

    def tree(self, variant=None):
        """{name below the root: content, None of a folder} after a loss; without one, as all sees it."""
        changes = self._kept(variant)
        tree = {}

        def walk(folder, path):
            for name, node in folder.content(self._chosen(folder, changes)).items():
                where = os.path.join(path, name)
                if isinstance(node, Folder):
                    tree[where] = None
                    walk(node, where)
                else:
                    tree[where] = node.content(self._chosen(node, changes))
        walk(self.folder, "")
        return tree

    @staticmethod
    def _chosen(node, changes):
        return [changes[o.serial] for o in node.pending if o.serial in changes]

    def _kept(self, variant):
        """{serial: operation} that reach the disk."""
        pending = self.pending()
        everything = {o.serial: o for o in pending}
        if variant is None:
            return everything
        kind, at = variant.split()
        at = int(at)
        chosen = {
            "none": lambda k: False,
            "all-but": lambda k: k != at,
            "only": lambda k: k == at,
            "before": lambda k: k < at,
            "after": lambda k: k > at,
        }.get(kind, lambda k: True)
        kept = {o.serial: o for k, o in enumerate(pending) if chosen(k)}
        struck = pending[at]
        if kind == "data":
            kept[struck.serial] = Operation(struck.serial, "", _put(struck.offset, bytes(len(struck.data))))
        elif kind == "torn":
            kept[struck.serial] = Operation(struck.serial, "", _put(struck.offset, struck.data[:SECTOR]))
        elif kind == "torn-end":
            kept[struck.serial] = Operation(struck.serial, "", _put(struck.offset + SECTOR, struck.data[SECTOR:]))
        return kept


def read(root, top):
    """A tree as Disk.tree() makes it, of what is really there."""
    tree = {}
    for folder, folders, files in os.walk(os.path.join(root, top)):
        tree[os.path.relpath(folder, root)] = None
        for name in files:
            path = os.path.join(folder, name)
            with open(path, "rb") as f:
                tree[os.path.relpath(path, root)] = f.read()
    return tree


def write(root, tree):
    for name, content in sorted(tree.items()):
        path = os.path.join(root, name)
        if content is None:
            os.mkdir(path, 0o700)
            continue
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
            f.write(content)


def _bytes(text):
    return bytes.fromhex(text.replace("\\x", ""))


def _number(args, at=0):
    """The at-th argument, a number, or a descriptor with its path."""
    plain = _TEXT.sub("TEXT", args).split(",")
    match = re.match(r"\s*(-?\d+)", plain[at]) if at < len(plain) else None
    return int(match[1]) if match else None


def _paths(args):
    """The paths among the arguments; relative ones are of the descriptor before them."""
    found = []
    for match in _TEXT.finditer(args):
        path = os.fsdecode(_bytes(match[1]))
        base = re.search(r"<([^<>]*)>, $", args[:match.start()])
        if not os.path.isabs(path) and base:
            where = base[1]
            path = os.path.join(os.fsdecode(_bytes(where)) if where.startswith("\\x") else where, path)
        found.append(path)
    return found
