// Compiles src/ to dist/ and copies the Lua scripts beside the code that loads them.
import { spawnSync } from 'node:child_process'
import { cpSync, rmSync, chmodSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
rmSync(`${root}dist`, { recursive: true, force: true })
const compiled = spawnSync(
  process.execPath,
  [`${root}node_modules/typescript/bin/tsc`, '-p', `${root}tsconfig.json`],
  {
    stdio: 'inherit',
  },
)
if (compiled.status !== 0) process.exit(compiled.status ?? 1)
cpSync(`${root}src/store/redis/lua`, `${root}dist/store/redis/lua`, { recursive: true })
chmodSync(`${root}dist/main.js`, 0o755)
