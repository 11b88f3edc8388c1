// The settings as the schema has them, section by section.
import { z } from 'zod'
import { formatBytes } from '../../src/config/fields.ts'
import { parseConfig } from '../../src/config/file.ts'
import { configSchema } from '../../src/config/schema.ts'

export interface Setting {
  readonly name: string
  readonly description: string
  /** What may be written, in a few words. */
  readonly values: string
  /** As it is written in YAML; absent when there is none. */
  readonly fallback: string | undefined
  readonly example: string | undefined
}

export interface Section {
  /** `buffer` */
  readonly name: string
  /** `type: redis`, where the section has alternatives. */
  readonly alternative: string | undefined
  readonly settings: readonly Setting[]
}

interface Node {
  readonly description?: string
  readonly values?: string
  readonly example?: unknown
  /** What a setting without a default means when it is left out. */
  readonly fallback?: string
  readonly type?: string
  readonly const?: string
  readonly default?: unknown
  readonly enum?: readonly string[]
  readonly properties?: Readonly<Record<string, Node>>
  /** Of a map: what stands under each name. */
  readonly additionalProperties?: Node
  /** Of a list: what stands in it. */
  readonly items?: Node
  readonly oneOf?: readonly Node[]
}

const schema = z.toJSONSchema(configSchema, { unrepresentable: 'any', io: 'output' }) as Node

/** Sections of plain settings, in the order of the schema; a section with alternatives comes once for each. */
export function sections(): readonly Section[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, node]) => {
    const kinds = node.oneOf ?? [node]
    return kinds.flatMap(({ properties }) => {
      if (properties === undefined) return []
      const chosen = (['type', 'mode'] as const).find((key) => properties[key]?.const !== undefined)
      const alternative = chosen && `${chosen}: ${properties[chosen]?.const}`
      const plain = Object.entries(properties).filter(([key]) => !FREE_MAPS.includes(`${name}.${key}`))
      const settings = leaves(Object.fromEntries(plain), fallbacks(name, alternative))
      return [{ name, alternative, settings }]
    })
  })
}

/** What a user names freely; it has an example of its own. */
const FREE_MAPS: readonly string[] = ['catalog.databases']

/** What a map holds under each name: extensions. */
export function settingsBelow(name: string): readonly Setting[] {
  return leaves(schema.properties?.[name]?.additionalProperties?.properties ?? {})
}

/** A group comes first, then its settings as `group.setting`; those of a list's entries as `list[].setting`. */
function leaves(
  nodes: Readonly<Record<string, Node>>,
  defaults: Readonly<Record<string, unknown>> = {},
  group = '',
): Setting[] {
  return Object.entries(nodes).flatMap(([key, node]) => {
    const inner = node.properties ?? node.items?.properties
    if (inner === undefined) return [settingOf(key, node, defaults, group)]
    const name = `${group}${key}${node.properties === undefined ? '[]' : ''}`
    return [
      settingOf(key, { values: 'map of settings', ...node }, defaults, group),
      ...leaves(inner, {}, `${name}.`),
    ]
  })
}

/** The settings that stand alone: limits. */
export function lone(name: string): Setting {
  return settingOf(name, schema.properties?.[name] ?? {}, fallbacks())
}

function settingOf(
  name: string,
  node: Node,
  defaults: Readonly<Record<string, unknown>>,
  group = '',
): Setting {
  const value = node.const ?? defaults[name] ?? node.default
  return {
    name: group + name,
    description: node.description ?? '',
    values: node.const ?? node.values ?? 'text',
    fallback: value === undefined ? node.fallback : written(node, value),
    example: node.example === undefined ? undefined : written(node, node.example),
  }
}

/** What a file that says nothing else gives. Who may call has no default. */
function fallbacks(section?: string, alternative?: string): Readonly<Record<string, unknown>> {
  if (section === 'auth') return {}
  const text = section === undefined || alternative === undefined ? '' : `${section}: { ${alternative} }`
  const loaded = parseConfig(text, {})
  if (loaded.kind === 'refused') throw new Error(`read the defaults of ${section}: ${text} was refused`)
  const config = loaded.config as unknown as Readonly<Record<string, unknown>>
  if (section === undefined) return config
  return (config[section] ?? {}) as Readonly<Record<string, unknown>>
}

function written(node: Node, value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((each) => written(node, each)).join(', ')}]`
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .map(([key, each]) => `${key}: ${written(node, each)}`)
      .join(', ')} }`
  if (typeof value === 'number' && node.values?.startsWith('size') === true) return formatBytes(value)
  if (typeof value !== 'string') return String(value)
  return /^[\w./:-]+$/.test(value) && Number.isNaN(Number(value)) ? value : JSON.stringify(value)
}
