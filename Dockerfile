# SPDX-License-Identifier: Apache-2.0
#
# An image for each program: docker build --target gateway (board-service, history-service) .
# tests/k8s/roots.py carries out the stages after the first without a container engine, so they keep to
# RUN (with a bind mount of the context), COPY, ENV, USER and ENTRYPOINT.

ARG DEBIAN=debian:bookworm-20260824-slim@sha256:88200866dfff7ea7f5cbcb6ec7c8a701889efe6fe859fe64d6990e4b07ea4171

FROM ${DEBIAN} AS build
WORKDIR /easel
COPY package.json package-lock.json .npmrc ./
COPY scripts/setup.sh scripts/
RUN scripts/setup.sh build
COPY . .
RUN scripts/build.sh release --programs
RUN strip build/release/*/easel-*

FROM ${DEBIAN} AS gateway
RUN --mount=type=bind,source=k8s/image,target=/mnt /mnt/install.sh gateway
COPY --from=build /easel/build/web /usr/share/easel/web
COPY --from=build /easel/build/release/gateway/easel-gateway /usr/bin/easel-gateway
ENV EASEL_WEB_ROOT=/usr/share/easel/web
USER 10001:10001
ENTRYPOINT ["/usr/bin/easel-gateway"]

FROM ${DEBIAN} AS board-service
RUN --mount=type=bind,source=k8s/image,target=/mnt /mnt/install.sh board-service
COPY --from=build /easel/build/release/board-service/easel-board /usr/bin/easel-board
USER 10001:10001
ENTRYPOINT ["/usr/bin/easel-board"]

FROM ${DEBIAN} AS history-service
RUN --mount=type=bind,source=k8s/image,target=/mnt /mnt/install.sh history-service
COPY --from=build /easel/build/release/history-service/easel-history /usr/bin/easel-history
USER 10001:10001
ENTRYPOINT ["/usr/bin/easel-history"]
