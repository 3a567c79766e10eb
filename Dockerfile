# All images: `docker build --build-arg SERVICE=fetcher .`, or `make images`. docs/compose.md tells about the arguments.
ARG BASE=python:3.13-slim-bookworm
ARG SERVICE=copydesk

FROM ${BASE} AS uv
WORKDIR /src
RUN --mount=type=bind,source=uv.lock,target=uv.lock \
    --mount=type=bind,source=tools/get_uv.py,target=tools/get_uv.py \
    --mount=type=secret,id=certificates \
    --mount=type=secret,id=index \
    if [ -s /run/secrets/certificates ]; then export SSL_CERT_FILE=/run/secrets/certificates; fi; \
    if [ -s /run/secrets/index ]; then UV_DEFAULT_INDEX="$(cat /run/secrets/index)"; export UV_DEFAULT_INDEX; fi; \
    python3 tools/get_uv.py /usr/local/bin/uv

FROM uv AS build
ARG SERVICE
ARG EXTRAS=otel
ENV UV_PROJECT_ENVIRONMENT=/app \
    UV_PYTHON_DOWNLOADS=never \
    UV_LINK_MODE=copy \
    UV_NO_PROGRESS=1
# What others wrote, which changes seldom.
RUN --mount=type=bind,source=uv.lock,target=uv.lock \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    --mount=type=bind,source=shared/pyproject.toml,target=shared/pyproject.toml \
    --mount=type=bind,source=services/fetcher/pyproject.toml,target=services/fetcher/pyproject.toml \
    --mount=type=bind,source=services/cleaner/pyproject.toml,target=services/cleaner/pyproject.toml \
    --mount=type=bind,source=services/classifier/pyproject.toml,target=services/classifier/pyproject.toml \
    --mount=type=bind,source=services/api/pyproject.toml,target=services/api/pyproject.toml \
    --mount=type=bind,source=services/standalone/pyproject.toml,target=services/standalone/pyproject.toml \
    --mount=type=bind,source=deploy/docker,target=deploy/docker \
    --mount=type=secret,id=certificates \
    --mount=type=secret,id=index \
    --mount=type=cache,target=/root/.cache/uv \
    sh deploy/docker/install.sh dependencies
# What we wrote.
RUN --mount=type=bind,target=. \
    --mount=type=secret,id=certificates \
    --mount=type=secret,id=index \
    --mount=type=cache,target=/root/.cache/uv \
    sh deploy/docker/install.sh workspace

FROM ${BASE} AS runtime
ARG SERVICE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="copydesk ${SERVICE}" \
      org.opencontainers.image.description="Copydesk turns news feeds into a clean, tagged, replayable stream of articles." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="Copydesk" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1
USER 65532:65532
EXPOSE 9090
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/app/bin/python", "-IS", "-c", "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', 9090, timeout=4); c.request('GET', '/readyz'); a = c.getresponse(); print(a.read().decode()); sys.exit(a.status != 200)"]

FROM runtime AS image-fetcher
ENV COPYDESK_FETCHER_HEALTH_HOST=0.0.0.0
EXPOSE 8090
ENTRYPOINT ["/app/bin/python", "-m", "copydesk_fetcher"]

FROM runtime AS image-cleaner
ENV COPYDESK_CLEANER_HEALTH_HOST=0.0.0.0
ENTRYPOINT ["/app/bin/python", "-m", "copydesk_cleaner"]

FROM runtime AS image-classifier
ENV COPYDESK_CLASSIFIER_HEALTH_HOST=0.0.0.0
ENTRYPOINT ["/app/bin/python", "-m", "copydesk_classifier"]

FROM runtime AS image-api
ENV COPYDESK_API_HEALTH_HOST=0.0.0.0 \
    COPYDESK_API_HOST=0.0.0.0
EXPOSE 8080
ENTRYPOINT ["/app/bin/python", "-m", "copydesk_api"]

FROM runtime AS image-copydesk
HEALTHCHECK NONE
ENTRYPOINT ["/app/bin/copydesk"]
CMD ["--help"]

# A stage of this file has no tag.
# hadolint ignore=DL3006
FROM image-${SERVICE}
