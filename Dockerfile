# One image for every process of docker-compose.yml. Not run where it was written; see there.
# Fabric's programs are built from the same pinned modules as without Docker: go.sum holds every hash.
FROM golang:1.26-bookworm AS fabric
ENV CGO_ENABLED=0 GOWORK=off
WORKDIR /build/tools
COPY engines/fabric/tools/go.mod engines/fabric/tools/go.sum ./
RUN mkdir /out && go build -trimpath -mod=readonly \
  -ldflags '-s -w -X github.com/hyperledger/fabric/common/metadata.Version=2.5.0' -o /out/ \
  github.com/hyperledger/fabric/cmd/configtxgen github.com/hyperledger/fabric/cmd/cryptogen \
  github.com/hyperledger/fabric/cmd/orderer github.com/hyperledger/fabric/cmd/osnadmin \
  github.com/hyperledger/fabric/cmd/peer
WORKDIR /build/ca
COPY engines/fabric/ca/go.mod engines/fabric/ca/go.sum ./
RUN CGO_ENABLED=1 go build -trimpath -mod=readonly \
  -ldflags '-s -w -X github.com/hyperledger/fabric-ca/lib/metadata.Version=1.5.15' -o /out/ \
  github.com/hyperledger/fabric-ca/cmd/fabric-ca-server

FROM node:24-bookworm-slim
ENV NODE_ENV=production FABRIC_BIN=/opt/fabric/bin
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY ledger/chaincode/package.json ledger/chaincode/
# Install scripts are off (.npmrc): nothing here depends on one.
RUN npm ci --omit=dev && npm cache clean --force
COPY . .
COPY --from=fabric /out/ /opt/fabric/bin/
# Volumes take these folders' owner when they are made, so that no process runs as root.
RUN mkdir -m 0700 /data /data/members && cd /data/members && mkdir -m 0700 administration hospital association \
  && chown -R node:node /data
USER node
VOLUME /data
CMD ["node", "bin/rehab.mjs", "--help"]
