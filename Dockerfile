# The midline command as an image: `docker run midline worker ingest`. Configuration comes by environment variables.
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:20-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
USER node
EXPOSE 9400
ENTRYPOINT ["node", "--max-semi-space-size=64", "dist/workers/cli/main.js"]
CMD ["--help"]
