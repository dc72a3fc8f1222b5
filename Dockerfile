# Two images from one file: `server` (no scikit-learn) and `training` (worker and KRONOS).
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
WORKDIR /src
RUN python3 -m venv /opt/advisor
ENV PATH=/opt/advisor/bin:$PATH
COPY requirements requirements
RUN pip install --no-cache-dir --require-hashes -r requirements/server.txt
COPY pyproject.toml README.md ./
COPY ares_client ares_client
COPY kronos kronos
COPY service service
COPY migrations migrations
RUN python3 -m venv /opt/builder \
 && /opt/builder/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt \
 && /opt/builder/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels ./ares_client . \
 && pip install --no-cache-dir --no-deps /wheels/*.whl

FROM build AS build-training
RUN pip install --no-cache-dir --require-hashes -r requirements/training.txt

FROM ${BASE_IMAGE} AS runtime
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="ARES ML Advisor" org.opencontainers.image.version="${VERSION}"
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin advisor \
 && install --directory --owner=advisor --group=advisor /var/lib/advisor
ENV PATH=/opt/advisor/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 \
    ADVISOR_DATA_DIR=/var/lib/advisor \
    ADVISOR_LOG_FORMAT=json
USER 10001:10001
WORKDIR /var/lib/advisor

FROM runtime AS training
COPY --from=build-training /opt/advisor /opt/advisor
CMD ["advisor", "worker"]

FROM runtime AS server
COPY --from=build /opt/advisor /opt/advisor
ENV ADVISOR_HOST=0.0.0.0
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s \
  CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
CMD ["advisor", "serve"]
