# specrun in an image: for pipelines, and for the workers that `load.run` starts in pods.
#
#   docker build -t registry.example/specrun:0.1.0 .
#
# It holds the program and the certificates of public authorities. Programs that specs call (cosign, trivy, k6, python) belong
# in an image that is made from this one.

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential cmake \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY benches benches
COPY src src
RUN cargo build --release --locked --bin specrun

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/target/release/specrun /usr/local/bin/specrun
WORKDIR /work
# Nobody: pods with `runAsNonRoot` take a number only.
USER 65534:65534
ENTRYPOINT ["/usr/local/bin/specrun"]
