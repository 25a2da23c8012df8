"""PyInstaller's hook for clockread: the exported models, and the version that `clockread --version` prints."""

from __future__ import annotations

from PyInstaller.utils.hooks import copy_metadata

from clockread.runtime.manifest import EXPORTED_FOLDERS

datas = [(str(folder), "clockread/exported") for folder in EXPORTED_FOLDERS if folder.is_dir()][:1]
for distribution in ("clockread", "numpy", "pillow", "pillow-heif", "onnxruntime", "onnxruntime-gpu"):  # as `clockread info` shows
    try:
        datas += copy_metadata(distribution)
    except Exception:  # not installed; the error's class differs between versions
        continue
