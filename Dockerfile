# clockread as a server; with arguments, as the command line:
#   docker build -t clockread .
#   docker run --rm -p 127.0.0.1:8000:8000 clockread
#   docker run --rm -v "$PWD/photos:/photos:ro" clockread predict /photos
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS build
ARG PYTHON
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ nasm ninja-build \
    && rm -rf /var/lib/apt/lists/*
# OpenCV from source, with the modules that clockread uses: its wheel has all of them, FFmpeg and
# OpenBLAS, and takes 160 MB. Type stubs, which its setup.py requires, need all modules, too.
ARG OPENCV=5.0.0.93
ARG CMAKE_ARGS="-DBUILD_LIST=core,imgproc,imgcodecs,videoio,python3 \
    -DOPENCV_FORCE_3RDPARTY_BUILD=ON -DWITH_FFMPEG=OFF -DWITH_GSTREAMER=OFF -DWITH_AVIF=OFF \
    -DWITH_IPP=OFF -DWITH_LAPACK=OFF -DWITH_OPENCL=OFF -DWITH_PROTOBUF=OFF -DWITH_UNIFONT=OFF"
WORKDIR /opencv
RUN python -m pip download --no-deps --no-binary opencv-python-headless \
        "opencv-python-headless==${OPENCV}" \
    && tar -xzf opencv_python_headless-*.tar.gz --strip-components=1 \
    && sed -i 's/"gapi" not in relpath_re/"typ" not in relpath_re/' setup.py \
    && python -m venv --without-pip /opt/clockread \
    && LDFLAGS=-s python -m pip --python /opt/clockread/bin/python install .
WORKDIR /src
COPY . .
RUN python -m pip --python /opt/clockread/bin/python install ".[cpu,heic,serve]"
# Without tests, tools and a second copy of onnxruntime's library, which Python does not load.
WORKDIR /opt/clockread/lib/python${PYTHON}/site-packages
RUN rm -rf onnxruntime/capi/libonnxruntime.so.* onnxruntime/transformers \
        onnxruntime/tools onnxruntime/quantization \
    && find . -name tests -type d -prune -exec rm -rf {} +

FROM python:${PYTHON}-slim
COPY --from=build /opt/clockread /opt/clockread
ENV PATH=/opt/clockread/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# A number, so that Kubernetes can verify that it is not root.
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["clockread"]
CMD ["serve", "--host", "0.0.0.0"]
