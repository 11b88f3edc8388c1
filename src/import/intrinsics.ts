/**
 * The functions of CloudFormation, as far as a template alone can answer them: parameters have the values they are given
 * or their defaults, names that are written out are known, and what only a stack knows becomes a placeholder.
 *
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
 */
import type { JsonValue } from '../domain/delivery-stream.ts'
import { hasPlaceholder, withoutMarks, type Placeholders } from './placeholders.ts'
import { resourceKinds, resourceOf, type Template } from './resources.ts'
import { asText, isMap, mapOf, own } from './untyped.ts'

export interface TemplateContext {
  readonly template: Template
  /** Given on the command line; pseudo parameters (`AWS::Region`) too. */
  readonly parameters: ReadonlyMap<string, string>
  readonly placeholders: Placeholders
  /** What a reader should know of how values came about; once each. */
  readonly notes: Set<string>
}

/** Undefined: AWS::NoValue, the member is left out. */
type Resolved = JsonValue | undefined

/** Values looked at and characters made of them, for a whole template: some double themselves again and again. */
const WORK_MAX = 5_000_000

export class Intrinsics {
  readonly #context: TemplateContext
  /** What is being looked up, against templates that go round in circles. */
  readonly #open = new Set<string>()
  #work = 0

  constructor(context: TemplateContext) {
    this.#context = context
  }

  /**
   * The value with every function in it replaced by its result.
   *
   * @throws RangeError for what has no end, or would take for ever
   */
  resolve(value: unknown): Resolved {
    const resolved = this.#resolved(value)
    this.#count(typeof resolved === 'string' ? resolved.length : 1)
    return resolved
  }

  #resolved(value: unknown): Resolved {
    if (typeof value === 'string') return this.#dynamic(withoutMarks(value))
    if (Array.isArray(value)) {
      const entries: readonly unknown[] = value
      return entries.map((entry) => this.resolve(entry)).filter((entry) => entry !== undefined)
    }
    if (!isMap(value)) return typeof value === 'number' || typeof value === 'boolean' ? value : undefined
    const [only, ...others] = Object.entries(value)
    if (only !== undefined && others.length === 0) {
      const [name, argument] = only
      if (name === 'Ref') return this.#ref(asText(argument))
      if (name.startsWith('Fn::')) return this.#call(name.slice('Fn::'.length), argument)
    }
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, inner]) => {
        const resolved = this.resolve(inner)
        return resolved === undefined ? [] : [[name, resolved]]
      }),
    )
  }

  /** Undefined when only the stack knows. */
  condition(name: string): boolean | undefined {
    const conditions = mapOf(this.#context.template['Conditions'])
    return this.#once(`condition ${name}`, () => this.#isTrue(own(conditions, name)))
  }

  #isTrue(expression: unknown): boolean | undefined {
    this.#count(1)
    const [[name, argument] = ['', undefined]] = Object.entries(mapOf(expression))
    if (name === 'Condition') return this.condition(asText(argument))
    if (!Array.isArray(argument)) return undefined
    const operands: readonly unknown[] = argument
    if (name === 'Fn::Equals') {
      const [a, b] = operands.map((operand) => JSON.stringify(this.resolve(operand)))
      if (a === undefined || b === undefined) return undefined
      return hasPlaceholder(`${a}${b}`) ? undefined : a === b
    }
    const verdicts = operands.map((operand) => this.#isTrue(operand))
    if (name === 'Fn::Not') return verdicts[0] === undefined ? undefined : !verdicts[0]
    const decisive = name === 'Fn::Or'
    if (verdicts.includes(decisive)) return decisive
    return verdicts.includes(undefined) ? undefined : !decisive
  }

  #call(name: string, argument: unknown): Resolved {
    const list: readonly unknown[] = Array.isArray(argument) ? argument : [argument]
    switch (name) {
      case 'GetAtt':
        return this.#attribute(list.length === 1 ? asText(argument) : list.map(asText).join('.'))
      case 'Sub':
        return this.#substitute(list)
      case 'Join':
        return this.#list(list[1]).map(asText).join(this.#text(list[0]))
      case 'Split':
        return this.#text(list[1]).split(this.#text(list[0]))
      case 'Select':
        return this.#list(list[1])[Number(this.#text(list[0]))]
      case 'FindInMap':
        return this.#findInMap(list)
      case 'If':
        return this.#choose(list)
      case 'Base64':
        return this.#base64(this.#text(argument))
      default:
        return this.#unknown(`${name} ${this.#text(argument)}`, `the result of Fn::${name}`)
    }
  }

  #ref(name: string): Resolved {
    const given = this.#context.parameters.get(name)
    if (given !== undefined) return given
    if (name === 'AWS::NoValue') return undefined
    if (name.startsWith('AWS::')) return this.#pseudo(name)
    const parameter = own(mapOf(this.#context.template['Parameters']), name)
    if (parameter !== undefined) return this.#parameter(name, mapOf(parameter))
    return this.#resource(name, 'name')
  }

  #pseudo(name: string): string {
    if (name === 'AWS::Partition') return 'aws'
    if (name === 'AWS::URLSuffix') return 'amazonaws.com'
    const samples: Readonly<Record<string, string>> = {
      'AWS::Region': 'us-east-1',
      'AWS::AccountId': '000000000000',
    }
    return this.#context.placeholders.mark(name, name, samples[name])
  }

  #parameter(
    name: string,
    { Default: value, Type: type, NoEcho: secret }: Readonly<Record<string, unknown>>,
  ) {
    const isOpen = value === undefined || value === null || asText(secret) === 'true'
    if (isOpen || asText(type).startsWith('AWS::SSM::Parameter::Value'))
      return this.#unknown(name, `parameter ${name}`)
    const text = asText(value)
    this.#context.notes.add(
      `Parameter ${name} has its default, ${JSON.stringify(text)}; --parameter ${name}=VALUE gives it another.`,
    )
    return /^(CommaDelimitedList$|List<)/.test(asText(type))
      ? text.split(',').map((part) => part.trim())
      : text
  }

  #attribute(path: string): Resolved {
    const [id = '', ...attribute] = path.split('.')
    return attribute.join('.') === 'Arn'
      ? this.#resource(id, 'Arn')
      : this.#unknown(path, `attribute ${path}`)
  }

  /** What a resource is called, or its ARN. */
  #resource(id: string, wanted: 'name' | 'Arn'): string {
    const resource = resourceOf(own(mapOf(this.#context.template['Resources']), id))
    const kind = resource === undefined ? undefined : own(resourceKinds, resource.type)
    const { nameAt = [], arn } = (kind ?? {}) as { nameAt?: readonly string[]; arn?: string }
    if (resource === undefined || kind === undefined || (wanted === 'Arn' && arn === undefined))
      return this.#unknown(wanted === 'Arn' ? `${id} ARN` : id, `the ${wanted} of ${id}`)
    const written =
      nameAt.length === 0
        ? undefined
        : nameAt.reduce<unknown>((value, member) => own(mapOf(value), member), resource.properties)
    const name = this.#once(`name of ${id}`, () => (written === undefined ? undefined : this.#text(written)))
    const known = name ?? this.#context.placeholders.mark(`${id} name`, `the name of ${id}`)
    if (wanted === 'name') return known
    const path = resource.type === 'AWS::IAM::Role' ? this.#text(resource.properties['Path'] ?? '/') : '/'
    const prefix = (arn ?? '').replaceAll(/\{(\w+)\}/g, (_, part: string) =>
      asText(this.#ref({ region: 'AWS::Region', account: 'AWS::AccountId' }[part] ?? 'AWS::Partition')),
    )
    return `${prefix}${path.slice(1)}${known}`
  }

  #substitute([template, variables]: readonly unknown[]): string {
    const given = mapOf(variables)
    return asText(template).replaceAll(/\$\{(!?)([^}]*)\}/g, (_, literal: string, inside: string) => {
      if (literal !== '') return `\${${inside}}`
      const name = inside.trim()
      if (Object.hasOwn(given, name)) return this.#text(given[name])
      return this.#text(name.includes('.') ? { 'Fn::GetAtt': name } : { Ref: name })
    })
  }

  #findInMap([map, first, second, fallback]: readonly unknown[]): Resolved {
    const [name, top, key] = [map, first, second].map((part) => this.#text(part))
    const rows = mapOf(own(mapOf(this.#context.template['Mappings']), name ?? ''))
    const found = own(mapOf(own(rows, top ?? '')), key ?? '')
    if (found !== undefined) return this.resolve(found)
    const { DefaultValue: otherwise } = mapOf(fallback)
    if (otherwise !== undefined) return this.resolve(otherwise)
    return this.#unknown(`${name} ${key}`, `mapping ${name} of ${key}`)
  }

  #choose([name, yes, no]: readonly unknown[]): Resolved {
    const verdict = this.condition(asText(name))
    if (verdict === undefined)
      this.#context.notes.add(
        `Condition ${asText(name)} cannot be told from the template and was taken as true.`,
      )
    return this.resolve(verdict === false ? no : yes)
  }

  #base64(text: string): string {
    if (hasPlaceholder(text)) return this.#unknown(`base64 ${text}`, 'the result of Fn::Base64')
    return Buffer.from(text).toString('base64')
  }

  /** `{{resolve:ssm:/lake/bucket}}`: what is kept elsewhere stays there. */
  #dynamic(text: string): string {
    return text.replaceAll(/\{\{resolve:([^}]*)\}\}/g, (reference, path: string) =>
      this.#unknown(path.replace(/^[^:]*:/, ''), reference),
    )
  }

  #unknown(words: string, origin: string): string {
    return this.#context.placeholders.mark(words, origin)
  }

  #count(work: number): void {
    this.#work += work
    if (this.#work > WORK_MAX) throw new RangeError('the template makes too much of itself')
  }

  #text(value: unknown): string {
    return asText(this.resolve(value))
  }

  #list(value: unknown): JsonValue[] {
    const resolved = this.resolve(value)
    return Array.isArray(resolved) ? [...(resolved as readonly JsonValue[])] : [asText(resolved)]
  }

  /** Undefined for what is asked for while it is being looked up. */
  #once<Result>(key: string, look: () => Result): Result | undefined {
    if (this.#open.has(key)) return undefined
    this.#open.add(key)
    try {
      return look()
    } finally {
      this.#open.delete(key)
    }
  }
}
