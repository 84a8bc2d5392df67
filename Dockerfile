# Two images: the adapter (the last stage, so `docker build .` builds it) and the jobs of docker-compose.yml. See
# docs/deployment.md.
#
# The bases are pinned by tag. To pin one by content too, append the digest that
# `docker buildx imagetools inspect python:3.13-slim-bookworm` prints, here or with
# --build-arg PYTHON_IMAGE=python:3.13-slim-bookworm@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim-bookworm
ARG NODE_IMAGE=node:22-bookworm-slim


# The Supabase CLI from npm, as in scripts/dev.
FROM ${NODE_IMAGE} AS cli
WORKDIR /cli
COPY package.json package-lock.json .npmrc ./
# The lock file has one platform's packages. The other platform gets the same version without it.
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
# HOME: the user below has no entry in /etc/passwd, and the CLI fails without a home directory.
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


# The adapter's dependencies: only wheels, with the versions and hashes of the lock file. Nothing is compiled.
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
# The base image has pip, which is not needed at run time.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3.*/ensurepip /usr/local/lib/python3.*/site-packages/pip*
COPY --from=packages /opt/venv/ /opt/venv/
WORKDIR /opt/flux
COPY adapter/dao_service/ dao_service/
COPY docker/healthcheck.py docker/
RUN python -m compileall -q dao_service
# UVICORN_* are uvicorn's own variables.
ENV HOME=/tmp \
    PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/opt/flux \
    PYTHONUNBUFFERED=1 \
    UVICORN_HOST=0.0.0.0 \
    UVICORN_PORT=8000 \
    WEB_CONCURRENCY=1
# A number, so that Kubernetes can tell that it is not root. This user owns no file and writes none.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# Asks if the process lives. docker-compose.yml also asks if the database answers.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-IS", "/opt/flux/docker/healthcheck.py", "/health"]
# After SIGTERM and DRAIN_SECONDS, running requests get a little more than the longest call to the database may take (GATEWAY_TIMEOUT_SECONDS).
CMD ["python", "-m", "dao_service", "--no-access-log", "--timeout-keep-alive", "65", "--timeout-graceful-shutdown", "12"]
