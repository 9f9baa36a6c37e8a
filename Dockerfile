FROM python:3.11-slim AS build
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends g++
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY stream_cw stream_cw
RUN python -m venv /opt/stream-cw \
    && /opt/stream-cw/bin/pip install --no-cache-dir ".[gateway,compile]"
# In the image, not at each start of a container; for whatever processor it will run on.
RUN XDG_CACHE_HOME=/opt/cache /opt/stream-cw/bin/stream-cw compile --portable

FROM python:3.11-slim
COPY --from=build /opt /opt
# A new volume takes the owner of the folder that it is mounted on.
RUN useradd --uid 10001 --create-home stream-cw \
    && install --directory --owner stream-cw --group stream-cw /var/lib/stream-cw
ENV PATH=/opt/stream-cw/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    XDG_CACHE_HOME=/opt/cache \
    STREAM_CW_DATA_DIR=/var/lib/stream-cw
USER stream-cw
WORKDIR /home/stream-cw
ENTRYPOINT ["stream-cw"]
CMD ["worker"]
