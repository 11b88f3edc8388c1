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
  /** `redis`, where the section has a `type`. */
  readonly type: string | undefined
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
  readonly enum?: readonly string[]
  readonly properties?: Readonly<Record<string, Node>>
  /** Of a map: what stands under each name. */
  readonly additionalProperties?: Node
  readonly oneOf?: readonly Node[]
}

const schema = z.toJSONSchema(configSchema, { unrepresentable: 'any', io: 'output' }) as Node

/** Sections of plain settings, in the order of the schema; a section with alternatives comes once for each. */
export function sections(): readonly Section[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, node]) => {
    const alternatives = node.oneOf ?? [node]
    return alternatives.flatMap((alternative) => {
      const { properties } = alternative
      if (properties === undefined || name === 'catalog') return []
      const type = properties['type']?.const
      const settings = Object.entries(properties).map(([key, leaf]) =>
        settingOf(key, leaf, fallbacks(name, type)),
      )
      return [{ name, type, settings }]
    })
  })
}

/** What a map holds under each name; a group inside it comes first, then its settings as `group.setting`: extensions. */
export function settingsBelow(name: string): readonly Setting[] {
  return leaves(schema.properties?.[name]?.additionalProperties?.properties ?? {})
}

function leaves(nodes: Readonly<Record<string, Node>>, group = ''): Setting[] {
  return Object.entries(nodes).flatMap(([key, node]) =>
    node.properties === undefined
      ? [settingOf(group + key, node, {})]
      : [
          settingOf(group + key, { ...node, values: 'map of settings' }, {}),
          ...leaves(node.properties, `${group}${key}.`),
        ],
  )
}

/** The settings that stand alone: limits. */
export function lone(name: string): Setting {
  return settingOf(name, schema.properties?.[name] ?? {}, fallbacks())
}

function settingOf(name: string, node: Node, defaults: Readonly<Record<string, unknown>>): Setting {
  const value = node.const ?? defaults[name]
  return {
    name,
    description: node.description ?? '',
    values: node.const ?? node.values ?? 'text',
    fallback: value === undefined ? node.fallback : written(node, value),
    example: node.example === undefined ? undefined : written(node, node.example),
  }
}

/** What a file that says nothing else gives. */
function fallbacks(section?: string, type?: string): Readonly<Record<string, unknown>> {
  const text = section === undefined || type === undefined ? '' : `${section}: { type: ${type} }`
  const loaded = parseConfig(text, {})
  if (loaded.kind === 'refused') throw new Error(`read the defaults of ${section}: ${text} was refused`)
  const config = loaded.config as unknown as Readonly<Record<string, unknown>>
  if (section === undefined) return config
  return (config[section] ?? {}) as Readonly<Record<string, unknown>>
}

function written({ values = '' }: Node, value: unknown): string {
  if (typeof value === 'number' && values.startsWith('size')) return formatBytes(value)
  if (typeof value !== 'string') return String(value)
  return /^[\w./:-]+$/.test(value) && Number.isNaN(Number(value)) ? value : JSON.stringify(value)
}
