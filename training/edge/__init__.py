"""The whole reader as one ONNX file: photo in, times out, for any onnxruntime.

Each module writes the stages of its namesake in `clockread` as ONNX nodes; `reader` joins them,
`build` writes the files, and `parity` compares them with clockread before they are kept. `graph`,
`tensor` and `names` write ONNX of any kind.
"""
