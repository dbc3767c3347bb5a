# syntax=docker/dockerfile:1

# SQLite is C, so the binary is built and run on the same glibc.
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=1 go build -trimpath -ldflags="-s -w" -o /out/paylink ./cmd/paylink

FROM debian:bookworm-slim
# Certificates for Stripe, Plaid and mail relays; zone names for due dates.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin paylink \
    && install -d -o paylink -g paylink -m 0750 /data
COPY --from=build /out/paylink /usr/local/bin/paylink
USER paylink
WORKDIR /data
VOLUME /data
ENV PAYLINK_ADDR=0.0.0.0:8080 \
    PAYLINK_DATABASE=sqlite:/data/paylink.db
EXPOSE 8080
# SIGTERM is the soft stop: what is under way ends first, so give it more than Docker's ten seconds (docker stop -t 60).
STOPSIGNAL SIGTERM
ENTRYPOINT ["paylink"]
CMD ["serve"]
