// Writes docs/configuration.md, config/hydrant.example.yaml and docs/metrics.md from the schema of the settings and the
// table of the metrics. A test fails when one of them is stale.
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { configurationGuide } from './docs/configuration-guide.ts'
import { exampleFile } from './docs/example-file.ts'
import { metricsGuide } from './docs/metrics-guide.ts'

const root = new URL('../', import.meta.url)

/** Text of each generated file by its path in the repository. */
export async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  const raw = [
    ['docs/configuration.md', configurationGuide()],
    ['config/hydrant.example.yaml', exampleFile()],
    ['docs/metrics.md', metricsGuide()],
  ] as const
  const formatted = raw.map(async ([path, text]) => {
    const filepath = fileURLToPath(new URL(path, root))
    return [path, await format(text, { ...(await resolveConfig(filepath)), filepath })] as const
  })
  return new Map(await Promise.all(formatted))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of await generatedFiles()) {
    await writeFile(new URL(path, root), text)
    process.stdout.write(`wrote ${path}\n`)
  }
}
