# The image of `emr db-backup --via job`: emr with the programs of PostgreSQL 15 and zstd, for clusters that run pods
# without root and without a writable root file system.
#   docker build -t ACCOUNT.dkr.ecr.REGION.amazonaws.com/emr:VERSION .

FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY . .
# Builds dist/ too: the script `prepare`.
RUN npm ci

FROM node:24-bookworm-slim
# Debian 12 has PostgreSQL 15, the major of the platform's databases.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates postgresql-client-15 zstd \
 && rm -rf /var/lib/apt/lists/*
# Programs ask for the name of their user.
RUN useradd --uid 10001 --no-create-home --home-dir /tmp emr
# The authorities that sign the certificates of RDS: backup.job.rootCertificate.
ADD --chmod=644 https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem /etc/ssl/rds/global-bundle.pem
WORKDIR /app
COPY --from=build /build/package.json /build/oclif.manifest.json ./
COPY --from=build /build/bin bin
COPY --from=build /build/dist dist
USER 10001:10001
ENTRYPOINT ["node", "/app/bin/run.js"]
