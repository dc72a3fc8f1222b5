# Two images from one file: `server` (no scikit-learn) and `training` (worker and KRONOS).
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python3 -m venv /opt/builder && python3 -m venv --without-pip /opt/advisor
ENV INSTALL="/opt/builder/bin/pip --python /opt/advisor/bin/python install"
COPY requirements requirements
# Both secrets are optional: a private index's pip.conf, and the certificate that it names as /run/secrets/ca.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    /opt/builder/bin/pip install --no-deps --require-hashes -r requirements/build.txt \
 && ${INSTALL} --only-binary :all: --no-deps --require-hashes -r requirements/server.txt

FROM build AS build-training
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    ${INSTALL} --only-binary :all: --no-deps --require-hashes -r requirements/training.txt

FROM build AS wheels
COPY pyproject.toml README.md ./
COPY ares_client ares_client
COPY kronos kronos
COPY service service
COPY migrations migrations
RUN /opt/builder/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels ./ares_client .

# Naming the version makes a wrong label fail the build.
FROM build AS server-environment
ARG VERSION=0.1.0
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    ${INSTALL} --no-deps /wheels/ares_client-*.whl "/wheels/ares_ml_advisor-${VERSION}-py3-none-any.whl" \
 && find /opt/advisor -type d -name tests -prune -exec rm -r {} +

FROM build-training AS training-environment
ARG VERSION=0.1.0
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    ${INSTALL} --no-deps /wheels/ares_client-*.whl "/wheels/ares_ml_advisor-${VERSION}-py3-none-any.whl" \
 && find /opt/advisor -type d -name tests -prune -exec rm -r {} +

FROM ${BASE_IMAGE} AS runtime
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/advisor --shell /usr/sbin/nologin advisor \
 && install --directory --owner=advisor --group=advisor /var/lib/advisor
ENV PATH=/opt/advisor/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 \
    ADVISOR_DATA_DIR=/var/lib/advisor \
    ADVISOR_LOG_FORMAT=json
USER 10001:10001
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ARES ML Advisor" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM runtime AS training
COPY --from=training-environment /opt/advisor /opt/advisor
WORKDIR /tmp
CMD ["advisor", "worker"]

FROM runtime AS server
COPY --from=server-environment /opt/advisor /opt/advisor
WORKDIR /var/lib/advisor
ENV ADVISOR_HOST=0.0.0.0 ADVISOR_PORT=8000
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
CMD ["advisor", "serve"]
