"""The weights of a model in a few files of at most 15 MiB: half precision, norms and router f32.

For a machine that gives back small files only. Each file begins with the step, so that files of
two moments are not mixed up.
"""
import os
import struct

import numpy as np
import torch

SIZE = 15 << 20
HEAD = struct.Struct("<4sIII")  # magic, step, part, number of parts
MAGIC = b"NANO"


def kind_of(name, tensor):
    """Half precision for matrices, f32 for what is small and delicate."""
    small = tensor.dim() == 1 or "gate_inp" in name
    return np.float32 if small else np.float16


def write(folder, model, step):
    """Writes part.0, part.1, ... and then takes their new names in."""
    folder.mkdir(parents=True, exist_ok=True)
    data = b"".join(t.detach().float().cpu().numpy().astype(kind_of(n, t)).tobytes()
                    for n, t in model.state_dict().items())
    n_parts = -(-len(data) // SIZE)
    for i in range(n_parts):
        with open(folder / f"new.{i}", "wb") as out:
            out.write(HEAD.pack(MAGIC, step, i, n_parts) + data[i * SIZE:(i + 1) * SIZE])
    for i in range(n_parts):
        os.replace(folder / f"new.{i}", folder / f"part.{i}")


def read(folder, model):
    """Loads the files into a model; returns the step. Raises ValueError if they do not fit."""
    data, step, i, n_parts = b"", None, 0, 1
    while i < n_parts:
        raw = (folder / f"part.{i}").read_bytes()
        magic, its_step, number, n_parts = HEAD.unpack_from(raw)
        if magic != MAGIC or number != i or step not in (None, its_step):
            raise ValueError(f"{folder}/part.{i} is not part {i} of step {step}")
        step, data, i = its_step, data + raw[HEAD.size:], i + 1
    state, at = model.state_dict(), 0
    for name, tensor in state.items():
        kind = kind_of(name, tensor)
        flat = np.frombuffer(data, kind, tensor.numel(), at)
        at += flat.nbytes
        tensor.copy_(torch.from_numpy(flat.astype(np.float32)).view(tensor.shape))
    if at != len(data):
        raise ValueError(f"{folder}: {len(data)} bytes, expected {at}")
    model.load_state_dict(state)
    return step
