"""Hugging Face weights turned into ONNX, against PyTorch: each architecture with each head, its weights drawn at random.

Runs in .deps/transformers, which scripts/setup makes: transformers and onnxruntime beside Debian's PyTorch.
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

os.environ["TRANSFORMERS_OFFLINE"] = "1"
try:
    import numpy
    import onnxruntime
    import torch
    import transformers
    from safetensors.torch import save_file
except ImportError as error:
    raise SystemExit(f"{error}: run scripts/setup")

WORKER = pathlib.Path(os.environ["NS_BIN_DIR"]) / "neural_solution_worker"
TEXT_EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "text-classification"
TOLERANCE = 1e-4
# Batch, length, tokens of each row: one row, equal ones, padded ones.
SHAPES = [(1, 5, [5]), (2, 16, [16, 16]), (3, 9, [9, 4, 1])]

TEXT_HEADS = ["Model", "ForSequenceClassification", "ForTokenClassification", "ForMultipleChoice", "ForQuestionAnswering", "ForMaskedLM"]
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48, "vocab_size": 70,
         "max_position_embeddings": 40, "num_labels": 5, "layer_norm_eps": 1e-3}  # so large that a forgotten one shows


def initialize(model):
    """Weights that matter: what a new model has is so small that half of it could be missing."""
    generator = torch.Generator().manual_seed(7)
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point() or name.endswith("masked_bias"):
            continue
        noise = torch.randn(tensor.shape, generator=generator)
        norm = any(word in name for word in ("LayerNorm", "layer_norm", "layernorm", "ln_", "normalization"))
        if name.endswith("running_var"):
            tensor.copy_(1 + 0.3 * noise.abs())
        elif norm and name.endswith("weight"):
            tensor.copy_(1 + 0.2 * noise)
        elif tensor.dim() == 4:
            tensor.copy_(noise / tensor[0].numel() ** 0.5)  # so that values neither grow nor shrink on their way
        else:
            tensor.copy_(0.2 * noise)
    model.tie_weights()
    return model.eval()


def make(config_class, class_name, **settings):
    config = getattr(transformers, config_class)(**settings)
    if class_name.endswith("ForQuestionAnswering"):
        config.num_labels = 2
    return initialize(getattr(transformers, class_name)(config))


def untied(state):
    """A state dict without names of one memory that another name has, as safetensors keeps it."""
    seen, kept = set(), {}
    for name, tensor in state.items():
        key = (tensor.data_ptr(), tensor.shape) if tensor.numel() else name
        if key not in seen:
            seen.add(key)
            kept[name] = tensor.detach().clone().contiguous()
    return kept


class ArchitecturesTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ns-architectures-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def save(self, model, state=None, name="model"):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        model.config.architectures = [type(model).__name__]
        model.config.save_pretrained(folder)
        save_file(untied(state or model.state_dict()), folder / "model.safetensors", metadata={"format": "pt"})
        return folder

    def export(self, folder):
        return self.export_to(folder, folder / "built.onnx")

    def export_to(self, folder, target=None):
        """The ONNX file that our program makes."""
        target = target or self.folder / "built.onnx"
        result = subprocess.run([WORKER, "export", folder, "-o", target, "--force"], capture_output=True, text=True, timeout=100)
        self.assertEqual(result.returncode, 0, result.stderr)
        return target

    def session(self, file):
        return onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])

    def compare(self, model, session, feeds):
        """Both on the same inputs; returns the largest difference."""
        names = [output.name for output in session.get_outputs()]
        got = session.run(names, {name: tensor.numpy() for name, tensor in feeds.items()})
        with torch.no_grad():
            wanted = model(**feeds)
        worst = 0.0
        for name, values in zip(names, got):
            expected = wanted[name].numpy()
            self.assertEqual(values.shape, expected.shape, name)
            self.assertGreater(numpy.abs(expected).max(), 0.05, "a test that compares nothing")
            worst = max(worst, float(numpy.abs(values - expected).max()))
        self.assertLessEqual(worst, TOLERANCE)
        return worst

    def text_feeds(self, config, session, batch, length, tokens, choices=None):
        generator = torch.Generator().manual_seed(batch * 100 + length)
        pad = config.pad_token_id if config.pad_token_id is not None else 0
        ids = torch.randint(3, config.vocab_size, (batch, length), generator=generator)
        mask = torch.tensor([[1] * n + [0] * (length - n) for n in tokens])
        feeds = {"input_ids": torch.where(mask == 1, ids, torch.tensor(pad)), "attention_mask": mask}
        if "token_type_ids" in [given.name for given in session.get_inputs()]:
            feeds["token_type_ids"] = torch.randint(0, 2, (batch, length), generator=generator) * mask
        if choices:
            feeds = {name: torch.stack([tensor.roll(-i, 1) if name == "input_ids" else tensor for i in range(choices)], 1)
                     for name, tensor in feeds.items()}
        return feeds

    def check_text(self, config_class, prefix, heads, shapes=SHAPES, **settings):
        for head in heads:
            with self.subTest(f"{prefix}{head}"):
                model = make(config_class, prefix + head, **settings)
                session = self.session(self.export(self.save(model)))
                choices = 3 if head == "ForMultipleChoice" else None
                worst = max(self.compare(model, session, self.text_feeds(model.config, session, *shape, choices)) for shape in shapes)
                print(f"{prefix}{head}: largest difference {worst:.1e}")

    def check_images(self, config_class, prefix, heads, sizes=((30, 30),), **settings):
        for head in heads:
            with self.subTest(f"{prefix}{head}"):
                model = make(config_class, prefix + head, **settings)
                session = self.session(self.export(self.save(model)))
                worst = 0
                for batch in (1, 3):
                    for height, width in sizes:
                        pixels = torch.randn((batch, 3, height, width), generator=torch.Generator().manual_seed(batch))
                        worst = max(worst, self.compare(model, session, {"pixel_values": pixels}))
                print(f"{prefix}{head}: largest difference {worst:.1e}")

    def test_bert(self):
        self.check_text("BertConfig", "Bert", TEXT_HEADS, **SMALL)

    def test_roberta(self):
        self.check_text("RobertaConfig", "Roberta", TEXT_HEADS, type_vocab_size=1, **SMALL)

    def test_xlm_roberta_and_camembert(self):
        self.check_text("XLMRobertaConfig", "XLMRoberta", TEXT_HEADS, type_vocab_size=1, **SMALL)
        self.check_text("CamembertConfig", "Camembert", TEXT_HEADS, type_vocab_size=1, **SMALL)

    def test_distilbert(self):
        settings = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48, "vocab_size": 70, "max_position_embeddings": 40, "num_labels": 5}
        self.check_text("DistilBertConfig", "DistilBert", TEXT_HEADS, **settings)

    def test_albert(self):
        self.check_text("AlbertConfig", "Albert", TEXT_HEADS, embedding_size=16, **SMALL)
        more = SMALL | {"num_hidden_layers": 4, "num_hidden_groups": 2, "inner_group_num": 2}
        self.check_text("AlbertConfig", "Albert", ["Model"], embedding_size=16, **more)

    def test_electra(self):
        self.check_text("ElectraConfig", "Electra", TEXT_HEADS, embedding_size=16, **SMALL)
        self.check_text("ElectraConfig", "Electra", ["Model", "ForMaskedLM"], embedding_size=32, **SMALL)

    def test_mpnet(self):
        self.check_text("MPNetConfig", "MPNet", TEXT_HEADS, **SMALL)

    def test_mpnets_biases_are_right_at_each_distance(self):
        self.check_text("MPNetConfig", "MPNet", ["Model"], shapes=[(1, 290, [290])], **(SMALL | {"max_position_embeddings": 300}))

    def test_gpt2(self):
        settings = {"n_embd": 32, "n_layer": 2, "n_head": 4, "vocab_size": 70, "n_positions": 40, "layer_norm_epsilon": 1e-3}
        self.check_text("GPT2Config", "GPT2", ["Model", "LMHeadModel"], **settings)
        self.check_text("GPT2Config", "GPT2", ["LMHeadModel"], scale_attn_by_inverse_layer_idx=True, activation_function="relu", **settings)
        self.check_text("GPT2Config", "GPT2", ["LMHeadModel"], scale_attn_weights=False, tie_word_embeddings=False, **settings)

    def test_vit_and_deit(self):
        settings = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48, "image_size": 30,
                    "patch_size": 10, "num_labels": 5, "layer_norm_eps": 1e-3}
        self.check_images("ViTConfig", "ViT", ["Model", "ForImageClassification"], **settings)
        self.check_images("ViTConfig", "ViT", ["ForImageClassification"], qkv_bias=False, **settings)
        self.check_images("DeiTConfig", "DeiT", ["Model", "ForImageClassification", "ForImageClassificationWithTeacher"], **settings)

    def test_resnet(self):
        settings = {"embedding_size": 8, "hidden_sizes": [16, 24], "depths": [2, 2], "num_labels": 5}
        sizes = ((64, 64), (45, 70))
        for layer_type in ("bottleneck", "basic"):
            self.check_images("ResNetConfig", "ResNet", ["Model", "ForImageClassification"], sizes, layer_type=layer_type, **settings)
        self.check_images("ResNetConfig", "ResNet", ["ForImageClassification"], sizes, downsample_in_first_stage=True, **settings)

    def test_each_activation(self):
        for name in ("gelu", "gelu_new", "gelu_fast", "quick_gelu", "relu", "silu", "tanh"):
            self.check_text("BertConfig", "Bert", ["ForSequenceClassification"], hidden_act=name, **SMALL)

    def test_each_form_of_weights(self):
        """The same network from every file that PyTorch and safetensors write."""
        model = make("BertConfig", "BertForMaskedLM", **SMALL)
        state = model.state_dict()
        weights = list(untied(state).items())
        halves = {"1.safetensors": dict(weights[:20]), "2.safetensors": dict(weights[20:])}
        files = {
            "safetensors": lambda folder: save_file(dict(weights), folder / "model.safetensors"),
            "zip": lambda folder: torch.save(state, folder / "pytorch_model.bin"),
            "before 1.6": lambda folder: torch.save(state, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False),
            "parameters": lambda folder: torch.save({name: torch.nn.Parameter(tensor, requires_grad=False) for name, tensor in state.items()},
                                                    folder / "pytorch_model.bin"),
            "views": lambda folder: torch.save({name: tensor.t().contiguous().t() if tensor.dim() == 2 else tensor for name, tensor in state.items()},
                                               folder / "pytorch_model.bin"),
            "parts": lambda folder: ([save_file(part, folder / name) for name, part in halves.items()],
                                     (folder / "model.safetensors.index.json").write_text(json.dumps(
                                         {"weight_map": {key: name for name, part in halves.items() for key in part}}))),
            "parts of zip": lambda folder: ([torch.save(part, folder / name.replace("safetensors", "bin")) for name, part in halves.items()],
                                            (folder / "pytorch_model.bin.index.json").write_text(json.dumps(
                                                {"weight_map": {key: name.replace("safetensors", "bin") for name, part in halves.items() for key in part}}))),
        }
        for name, write in files.items():
            with self.subTest(name):
                folder = self.save(model, name=name)
                (folder / "model.safetensors").unlink()
                write(folder)
                session = self.session(self.export(folder))
                for shape in SHAPES:
                    self.compare(model, session, self.text_feeds(model.config, session, *shape))

    def test_weights_in_half_precision_become_floats(self):
        for dtype in (torch.float16, torch.bfloat16, torch.float64):
            with self.subTest(str(dtype)):
                model = make("BertConfig", "BertForSequenceClassification", **SMALL)
                narrow = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in model.state_dict().items()}
                model.load_state_dict({name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in narrow.items()})
                session = self.session(self.export(self.save(model, narrow)))
                self.compare(model, session, self.text_feeds(model.config, session, *SHAPES[2]))

    def test_onnx_runtime_fuses_what_is_built(self):
        folder = self.save(make("BertConfig", "BertForSequenceClassification", **SMALL))
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # it warns that what it writes is for this machine
        options.optimized_model_filepath = str(folder / "fused.onnx")
        onnxruntime.InferenceSession(str(self.export(folder)), options, providers=["CPUExecutionProvider"])
        fused = (folder / "fused.onnx").read_bytes()
        for operator in (b"BiasGelu", b"SkipLayerNormalization"):  # as an operator's type: field 4 of NodeProto
            self.assertTrue(b"\"" + bytes([len(operator)]) + operator in fused, operator)

    def test_a_pickle_that_would_run_code_is_refused_by_name(self):
        class Hostile:
            def __reduce__(self):
                return os.system, ("touch owned",)

        folder = self.save(make("BertConfig", "BertModel", **SMALL))
        (folder / "model.safetensors").unlink()
        torch.save({"x": Hostile()}, folder / "pytorch_model.bin")
        result = subprocess.run([WORKER, "export", folder], capture_output=True, text=True, timeout=100, cwd=folder)
        self.assertEqual(result.returncode, 2)
        self.assertIn("it names 'posix.system', which no tensor needs: refused, nothing was run", result.stderr)
        self.assertFalse((folder / "owned").exists())
        self.assertFalse((folder / "onnx").exists())

    def test_a_folder_of_weights_is_optimized_as_it_is(self):
        folder = self.folder / "model"
        folder.mkdir()
        for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
            shutil.copy(TEXT_EXAMPLE / name, folder)
        before = sorted(folder.iterdir())
        result = subprocess.run([WORKER, "optimize", folder, "--data", TEXT_EXAMPLE / "evaluation.tsv", "--no-cache", "--stop-at-goal",
                                 "--max-trials", "2", "-o", self.folder / "out"], capture_output=True, text=True, timeout=300)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("model.safetensors (41 tensors) was built into ONNX as BertForSequenceClassification", result.stdout + result.stderr)
        self.assertTrue((self.folder / "out" / "model.onnx").exists())
        self.assertEqual(sorted(folder.iterdir()), before)

    def test_the_examples_weights_are_the_model_beside_them(self):
        built, exported = self.session(self.export_to(TEXT_EXAMPLE)), self.session(TEXT_EXAMPLE / "model.onnx")
        mask = numpy.array([[1] * 20, [1] * 7 + [0] * 13])
        feeds = {"input_ids": numpy.random.default_rng(3).integers(5, 1000, (2, 20)) * mask, "attention_mask": mask,
                 "token_type_ids": numpy.zeros((2, 20), numpy.int64)}
        feeds = {given.name: feeds[given.name] for given in exported.get_inputs()}
        worst = numpy.abs(built.run(["logits"], feeds)[0] - exported.run(None, feeds)[0]).max()
        self.assertLessEqual(worst, TOLERANCE)


if __name__ == "__main__":
    unittest.main()
