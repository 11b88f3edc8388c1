/** docs/operations.md tells operators about every line that asks for a person, and names tests that exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const guide = readFileSync(join(root, 'docs/operations.md'), 'utf8')

/** Path and text of each file. */
function sources(): [string, string][] {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  return files
    .filter((name) => name.endsWith('.ts'))
    .map((path) => [path, readFileSync(join(root, 'src', path), 'utf8')])
}

/** The constant message that ends the arguments of each `log.error(…)`. */
function errorLines(): Set<string> {
  const messages = new Set<string>()
  for (const [path, source] of sources()) {
    for (const [start] of source.matchAll(/log\.error\([\s\S]*?'\s*,?\s*\)(?=[\s,])/g)) {
      const message = /'([^']+)'\s*,?\s*\)$/.exec(start)?.[1]
      if (message === undefined) throw new Error(`${path}: a line of level error has no constant message`)
      messages.add(message)
    }
  }
  return messages
}

test('the alarms in the guide are the lines of level error in the source', () => {
  const [, section = ''] = /^## Alarms$([\s\S]*?)^## /m.exec(guide) ?? []
  const told = [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, message]) => message)
  expect(told.toSorted()).toEqual([...errorLines()].toSorted())
})

test('the log lines that the section on shards sends operators to are in the source', () => {
  const [, section = ''] = /^## Shards$([\s\S]*?)^## /m.exec(guide) ?? []
  const prose = section.replaceAll(/^```[\s\S]*?^```$/gm, '')
  const quoted = [...prose.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text.replaceAll(/\s+/g, ' '))
  const told = quoted.filter((text) => /^[a-z]+( [a-z]+){2,}$/.test(text))
  expect(told.length).toBeGreaterThan(5)
  const code = sources()
  expect(told.filter((line) => !code.some(([, source]) => source.includes(`'${line}'`)))).toEqual([])
})

test('every test that the guide names exists', () => {
  const named = [...guide.matchAll(/`(test\/[^`]+)`/g)].map(([, path = '']) => path)
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([])
})
