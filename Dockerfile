# The base must bring Python 3.11 or newer; both stages stand on the same one, so the environment can move between them.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS builder
WORKDIR /src
# Two environments: what builds stays here, what runs holds neither pip nor a build backend.
RUN python3 -m venv /opt/build && python3 -m venv --without-pip /opt/fusewatch
COPY requirements.lock requirements-build.lock ./
RUN /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements-build.lock \
 && /opt/build/bin/pip --python /opt/fusewatch/bin/python install --no-cache-dir --no-compile --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY service service
# Bytecode is compiled here, because the running container cannot write beside its code. "unchecked-hash" makes it valid
# whatever modification times the copy between the stages leaves on the sources.
RUN /opt/build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/build/bin/pip --python /opt/fusewatch/bin/python install --no-cache-dir --no-compile --no-deps --no-index /wheels/*.whl \
 && /opt/fusewatch/bin/python -I -m fusewatch.sbom /opt/fusewatch/share/doc/fusewatch/sbom.cdx.json \
 && /opt/fusewatch/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/fusewatch/lib

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Fusewatch" \
      org.opencontainers.image.description="Watches what an organisation spends on LLMs through its Langfuse, and alerts." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.vendor="The Fusewatch authors" \
      org.opencontainers.image.version="0.1.0"
# The user has a name for people and a number for Kubernetes, whose runAsNonRoot can only judge numbers.
RUN groupadd --gid 10001 fusewatch \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin fusewatch \
 && install -d -o 10001 -g 10001 -m 0750 /data
COPY --from=builder /opt/fusewatch /opt/fusewatch
COPY config/budgets.yaml /etc/fusewatch/budgets.yaml
ENV PATH=/opt/fusewatch/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FUSEWATCH_CONFIG=/etc/fusewatch/budgets.yaml \
    FUSEWATCH_DATABASE_URL=sqlite:////data/fusewatch.db \
    FUSEWATCH_LISTEN=0.0.0.0:9469
# The working folder is the volume: where the root file system is read-only and no tmpfs is on /tmp, both Python and
# SQLite fall back to the working folder for temporary files, so /data is the only place that must be writable.
WORKDIR /data
VOLUME /data
EXPOSE 9469
USER 10001:10001
STOPSIGNAL SIGTERM
# http.client and not urllib, which would obey HTTP_PROXY; Linux takes a connection to 0.0.0.0 or [::] as one to itself.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["/opt/fusewatch/bin/python", "-IS", "-c", "import http.client, os, sys; c = http.client.HTTPConnection(os.environ['FUSEWATCH_LISTEN'], timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["fusewatch"]
CMD ["run"]
