# syntax=docker/dockerfile:1
# Hydrant as an image: `docker build -t hydrant .`, then
# `docker run -p 127.0.0.1:4573:4573 -v hydrant:/var/lib/hydrant hydrant`.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts/build.mjs scripts/
COPY src src
RUN npm run build \
  && npm prune --omit=dev --no-audit --no-fund \
  # What a running process never reads: type declarations and source maps of packages.
  && find node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -delete

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY config/container.yaml config/
# Everything that is kept is below /var/lib/hydrant; the process is not root and writes nowhere else.
RUN mkdir /var/lib/hydrant && chown node:node /var/lib/hydrant
VOLUME /var/lib/hydrant
USER node
# 4573: the Firehose API. 4574: /metrics, /healthz, /readyz.
EXPOSE 4573 4574
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:4574/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["serve", "--config", "config/container.yaml"]
