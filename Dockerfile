FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY stream_cw stream_cw
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /dist .

FROM python:3.11-slim
RUN --mount=type=bind,from=build,source=/dist,target=/dist \
    pip install --no-cache-dir "stream-cw[gateway] @ file://$(echo /dist/*.whl)"
# A new volume takes the owner of the folder that it is mounted on.
RUN useradd --uid 10001 --create-home stream-cw \
    && install --directory --owner stream-cw --group stream-cw /var/lib/stream-cw
ENV PYTHONUNBUFFERED=1 \
    STREAM_CW_DATA_DIR=/var/lib/stream-cw
USER stream-cw
WORKDIR /home/stream-cw
ENTRYPOINT ["stream-cw"]
CMD ["worker"]
