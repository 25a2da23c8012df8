# clockread as a server; with arguments, as the command line:
#   docker build -t clockread .
#   docker run --rm -p 127.0.0.1:8000:8000 clockread
#   docker run --rm -v "$PWD/photos:/photos:ro" clockread predict /photos
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS build
ARG PYTHON
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY . .
RUN python -m venv --without-pip /opt/clockread \
    && python -m pip --python /opt/clockread/bin/python install ".[cpu,heic,serve]"
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
