# One image for worker, bridge, nodes and the commands of `registrar`.
# Debian, not Alpine: Temporal's native module is built for glibc.

FROM node:22.23.3-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund

FROM dependencies AS build
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY workflows ./workflows
COPY activities ./activities
RUN npm run build

FROM dependencies AS production
RUN npm prune --omit=dev --no-audit --no-fund

FROM node:22.23.3-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=production /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY contracts ./contracts
COPY --from=build /app/dist ./dist
RUN printf '#!/bin/sh\nexec node /app/dist/src/cli/main.js "$@"\n' > /usr/local/bin/registrar \
    && chmod 755 /usr/local/bin/registrar
# The image's user "node".
USER 1000:1000
ENTRYPOINT ["registrar"]
CMD ["--help"]
