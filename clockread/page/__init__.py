"""The page that reads clocks in a browser: `clockread page` writes its files.

`web/` holds the page. `models` gives the one-file readers, `runtime` the files of onnxruntime-web,
`site` joins them to a folder for a static host, and `one_file` to a single HTML file.
"""
