# The image of the adapter (the last stage, so what `docker build .` makes), and the one of the jobs in docker-compose.yml.
# docs/deployment.md says how they are used.
#
# The bases are pinned by tag here. To pin one by content too, append its digest, which
# `docker buildx imagetools inspect python:3.13-slim-bookworm` prints, here or by the build:
# --build-arg PYTHON_IMAGE=python:3.13-slim-bookworm@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim-bookworm
ARG NODE_IMAGE=node:22-bookworm-slim


# The Supabase CLI, from npm as in scripts/dev.
FROM ${NODE_IMAGE} AS cli
WORKDIR /cli
COPY package.json package-lock.json .npmrc ./
# The lock has the packages of one platform; the other one gets the same version without it.
RUN case "$(uname -m)" in \
      x86_64) npm ci --omit=dev ;; \
      aarch64) npm install --no-save --no-package-lock --omit=dev --omit=optional \
        "@supabase/cli-linux-arm64@$(node --print 'require("./package.json").optionalDependencies["@supabase/cli-linux-x64"]')" ;; \
      *) echo "no Supabase CLI for $(uname -m)" >&2; exit 1 ;; \
    esac


# The two jobs of docker-compose.yml: making the keys, applying the migrations.
FROM ${PYTHON_IMAGE} AS jobs
LABEL org.opencontainers.image.title="flux-dao-jobs" \
      org.opencontainers.image.description="Makes the keys of the Flux data service and applies its migrations." \
      org.opencontainers.image.licenses="MIT"
# HOME: the user below has no entry in /etc/passwd, and the CLI gives up without a home directory.
ENV HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/opt/flux/scripts \
    PYTHONUNBUFFERED=1
WORKDIR /opt/flux
COPY --from=cli /cli/node_modules/@supabase/ node_modules/@supabase/
COPY scripts/local_stack/ scripts/local_stack/
COPY scripts/container/ scripts/container/
COPY supabase/ supabase/
USER 10001:10001
ENTRYPOINT ["python", "-m", "container.jobs"]


# What the adapter imports: wheels alone, at the versions and with the hashes of the lock. Nothing is compiled.
FROM ${PYTHON_IMAGE} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_INPUT=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /opt/flux
COPY requirements.txt ./
RUN python -m venv --without-pip /opt/venv \
 && python -m pip --python /opt/venv/bin/python install --no-cache-dir --only-binary :all: --require-hashes \
    --requirement requirements.txt


FROM ${PYTHON_IMAGE} AS adapter
LABEL org.opencontainers.image.title="flux-dao-service" \
      org.opencontainers.image.description="The data service of Flux: a REST API over PostgREST or Postgres." \
      org.opencontainers.image.licenses="MIT"
# The base brings pip, which nothing needs at run time.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3.*/ensurepip /usr/local/lib/python3.*/site-packages/pip*
COPY --from=packages /opt/venv/ /opt/venv/
WORKDIR /opt/flux
COPY adapter/dao_service/ dao_service/
COPY docker/healthcheck.py docker/
RUN python -m compileall -q dao_service
# UVICORN_*: uvicorn's own names for its options.
ENV HOME=/tmp \
    PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/opt/flux \
    PYTHONUNBUFFERED=1 \
    UVICORN_HOST=0.0.0.0 \
    UVICORN_PORT=8000 \
    WEB_CONCURRENCY=1
# By number, so that Kubernetes can tell that it is not root. It owns nothing and writes nothing.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# Whether the process lives. docker-compose.yml asks for more: whether the database answers.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-IS", "/opt/flux/docker/healthcheck.py", "/health"]
# A request that has begun gets as long as the longest call to the database may take (GATEWAY_TIMEOUT_SECONDS), and a little more.
CMD ["python", "-m", "dao_service", "--no-access-log", "--timeout-keep-alive", "65", "--timeout-graceful-shutdown", "12"]
