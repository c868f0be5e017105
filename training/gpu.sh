#!/usr/bin/env bash
# Trains on a machine with a GPU and no network: gpu.sh GGUF PROSE MINUTES OUT [flags of train.py]
#
# Goes on from the weights of GGUF with the paragraphs of the folder PROSE (what prose.py made).
# OUT gets the log, loss.csv and the weights in small files; export.py --parts makes a GGUF of them.
set -euo pipefail
gguf=$1 prose=$2 minutes=$3 out=$4
shift 4
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'cp "$work/loss.csv" "$out/" 2>/dev/null; rm -rf "$work"' EXIT
mkdir -p "$out"
cp "$prose"/prose.txt* "$work/"
nvidia-smi --query-gpu=name,memory.total,power.draw --format=csv
workers=$(($(nproc) > 3 ? $(nproc) - 2 : 1))
export PYTHONUNBUFFERED=1
python3 "$here/train.py" --device cuda --work "$work" --from "$gguf" --fresh --warmup 200 \
  --rows 16 --length 4096 --workers "$workers" --minutes "$minutes" --save-seconds 60 \
  --parts "$out/parts" "$@" 2>&1 | tee "$out/train.log"
