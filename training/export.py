"""Writes a checkpoint as a GGUF file in Q8_0 (norms, router and bias in F32)."""
import argparse
import os
import pathlib

import torch

import bpe
import gguf
import model as m2
import parts

HERE = pathlib.Path(__file__).parent
NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5


def vocabulary(tokenizer):
    """Token strings, types and merges as GGUF stores them."""
    table = bpe.byte_unicode()
    text = ["".join(table[b] for b in token) for token in tokenizer.bytes_of]
    merges = [f"{text[a]} {text[b]}" for a, b in tokenizer.merges]
    types = [NORMAL] * len(text)
    specials = list(tokenizer.specials)
    text += specials
    types += [CONTROL] * (len(specials) - 4) + [USER_DEFINED] * 4
    while len(text) < bpe.N_VOCAB:
        text.append(f"[PAD{len(text)}]")
        types.append(UNUSED)
    assert len(set(text)) == bpe.N_VOCAB
    return text, types, merges


def metadata(cfg, tokenizer, template):
    """All metadata keys of an M2 file."""
    text, types, merges = vocabulary(tokenizer)
    special, arch = tokenizer.specials, "minimax-m2"
    u32, f32, string = gguf.U32, gguf.F32, gguf.STRING
    return [
        ("general.architecture", string, arch),
        ("general.type", string, "model"),
        ("general.name", string, "Jevons Nano"),
        ("general.size_label", string, f"{cfg.n_experts}x1.2M"),
        ("general.license", string, "apache-2.0"),
        ("general.sampling.top_k", gguf.I32, 40),
        ("general.sampling.top_p", f32, 0.95),
        ("general.sampling.temp", f32, 1.0),
        ("general.alignment", u32, gguf.ALIGNMENT),
        ("general.quantization_version", u32, 2),
        ("general.file_type", u32, 7),
        (f"{arch}.block_count", u32, cfg.n_layers),
        (f"{arch}.context_length", u32, cfg.n_ctx),
        (f"{arch}.embedding_length", u32, cfg.n_embd),
        (f"{arch}.feed_forward_length", u32, cfg.n_ff),
        (f"{arch}.attention.head_count", u32, cfg.n_heads),
        (f"{arch}.attention.head_count_kv", u32, cfg.n_kv_heads),
        (f"{arch}.rope.freq_base", f32, cfg.rope_theta),
        (f"{arch}.attention.layer_norm_rms_epsilon", f32, cfg.rms_eps),
        (f"{arch}.expert_count", u32, cfg.n_experts),
        (f"{arch}.expert_used_count", u32, cfg.n_experts_used),
        (f"{arch}.expert_gating_func", u32, 2),
        (f"{arch}.attention.key_length", u32, cfg.head_dim),
        (f"{arch}.attention.value_length", u32, cfg.head_dim),
        (f"{arch}.expert_feed_forward_length", u32, cfg.n_ff),
        (f"{arch}.rope.dimension_count", u32, cfg.rotary_dim),
        (f"{arch}.vocab_size", u32, cfg.n_vocab),
        ("tokenizer.ggml.model", string, "gpt2"),
        ("tokenizer.ggml.pre", string, arch),
        ("tokenizer.ggml.tokens", gguf.ARRAY, (string, text)),
        ("tokenizer.ggml.token_type", gguf.ARRAY, (gguf.I32, types)),
        ("tokenizer.ggml.merges", gguf.ARRAY, (string, merges)),
        ("tokenizer.ggml.bos_token_id", u32, special["]~!b["]),
        ("tokenizer.ggml.eos_token_id", u32, special["[e~["]),
        ("tokenizer.ggml.unknown_token_id", u32, special["]!d~["]),
        ("tokenizer.ggml.padding_token_id", u32, special["<fim_pad>"]),
        ("tokenizer.ggml.add_bos_token", gguf.BOOL, False),
        ("tokenizer.ggml.add_sep_token", gguf.BOOL, False),
        ("tokenizer.chat_template", string, template),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=pathlib.Path, default="build/training")
    parser.add_argument("--checkpoint", default="nano.pt")
    parser.add_argument("--from", dest="source", type=pathlib.Path,
                        help="take the vocabulary from this GGUF instead of the work folder")
    parser.add_argument("--parts", type=pathlib.Path,
                        help="folder that train.py --parts wrote, instead of the checkpoint")
    parser.add_argument("--out", type=pathlib.Path, default="models/nano.gguf")
    args = parser.parse_args()
    model = m2.Nano()
    if args.parts:
        print(f"weights of step {parts.read(args.parts, model)}")
    else:
        state = torch.load(args.work / args.checkpoint, map_location="cpu")
        model.load_state_dict(state["model"])
    if args.source:
        tokenizer = gguf.read_tokenizer(gguf.Reader(args.source).metadata)
    else:
        tokenizer = bpe.Tokenizer.load(args.work / "tokenizer.json")
    state, tensors = model.state_dict(), []
    for ours, theirs in gguf.tensor_names(model.cfg).items():
        array = state[ours].float().numpy()
        small = array.ndim == 1 or "gate_inp" in ours
        tensors.append((theirs, array, gguf.TYPE_F32 if small else gguf.TYPE_Q8_0))
    template = (HERE / "chat_template.jinja").read_text()
    temporary = args.out.with_suffix(".new")
    gguf.write(temporary, metadata(model.cfg, tokenizer, template), tensors)
    os.replace(temporary, args.out)
    print(f"{args.out}: {args.out.stat().st_size:,} bytes, {len(tensors)} tensors")


if __name__ == "__main__":
    main()
