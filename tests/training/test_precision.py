"""bfloat16 is used where the hardware multiplies it, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from training import precision

X86 = "processor\t: 0\nflags\t\t: fpu avx2 {}\nbogomips\t: 1\n\nprocessor\t: 1\nflags\t\t: fpu\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd {}\nCPU part\t: 0xd4f\n"


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count no GPU of the machine that runs the tests."""
    monkeypatch.setattr(precision, "_has_accelerator", lambda: False)


def processor(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder / "cpuinfo"
    file.write_text(text)
    monkeypatch.setattr(precision, "PROCESSOR_FILE", file)


@pytest.mark.parametrize(("text", "flag"), [(X86, "avx512_bf16"), (X86, "amx_bf16"), (ARM, "bf16")])
def test_a_processor_with_bfloat16_keeps_it(
    text: str,
    flag: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    processor(text.format(flag), tmp_path, monkeypatch)
    assert precision.usable_precision("mixed_bfloat16") == "mixed_bfloat16"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("text", [X86.format("avx512f"), ARM.format("asimdhp"), "nothing\n"])
def test_a_processor_without_bfloat16_computes_in_float32_and_says_so(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    processor(text, tmp_path, monkeypatch)
    assert precision.usable_precision("mixed_bfloat16") == "float32"
    assert capsys.readouterr().out.startswith("float32 instead of mixed_bfloat16")
    assert precision.usable_precision("float32") == "float32"
    assert capsys.readouterr().out == ""


def test_a_system_that_does_not_describe_its_processor_computes_in_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "PROCESSOR_FILE", tmp_path / "missing")
    assert precision.usable_precision("mixed_bfloat16") == "float32"


def test_an_accelerator_computes_in_bfloat16_whatever_the_processor_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor(X86.format("avx2"), tmp_path, monkeypatch)
    monkeypatch.setattr(precision, "_has_accelerator", lambda: True)
    assert precision.usable_precision("mixed_bfloat16") == "mixed_bfloat16"
