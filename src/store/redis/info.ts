/** The answer of INFO: `name:value` lines under `# Section` titles. */
export type Info = ReadonlyMap<string, string>

export function infoFields(text: string): Info {
  const fields = new Map<string, string>()
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':')
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return fields
}

/** 0 when Redis does not say. */
export function infoNumber(info: Info, name: string): number {
  return Number(info.get(name) ?? 0)
}
