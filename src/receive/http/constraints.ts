/**
 * Constraints as data, and the one engine that reads a request by them.
 *
 * A shape mirrors the service model of 2015-08-04. Reading has two outcomes besides success: a value of the wrong JSON
 * type is a SerializationException at once; broken constraints are collected into one ValidationException.
 */
import { ClientError } from '../../domain/errors.ts'
import type { JsonObject, JsonValue } from '../../domain/delivery-stream.ts'
import { base64Length, isBase64, notBase64 } from './base64.ts'
import { camelCase } from './java-hash-order.ts'
import { quoted } from './quoted.ts'
import {
  allRules,
  brokenRules,
  lengthMaxRule,
  lengthMinRule,
  matches,
  NOT_NULL_RULE,
  satisfies,
  valueMaxRule,
  valueMinRule,
  violationMessage,
  Violations,
  WHOLE_NUMBER_RULE,
  type StringRules,
} from './violations.ts'
import { wrongType } from './wrong-type.ts'

export type Shape =
  StringShape | NumberShape | { readonly type: 'boolean' } | BlobShape | ListShape | MapShape | StructureShape

export interface StringShape extends StringRules {
  readonly type: 'string'
  /** The service hides the value in its message. */
  readonly hidden?: boolean
  /** What every value but an empty one must match besides, answered before everything else: the pattern of a role's ARN. */
  readonly rolePattern?: string
}

interface NumberShape {
  /** A timestamp is in epoch seconds, fractions allowed. */
  readonly type: 'integer' | 'double' | 'timestamp'
  readonly min?: number
  readonly max?: number
}

interface BlobShape {
  readonly type: 'blob'
  /** Bytes after decoding. */
  readonly max: number
}

interface ListShape {
  readonly type: 'list'
  readonly of: Shape
  readonly min?: number
  readonly max?: number
}

interface MapShape {
  readonly type: 'map'
  readonly key: StringShape
  readonly of: StringShape
}

export interface StructureShape {
  readonly type: 'structure'
  readonly members: Readonly<Record<string, Shape>>
  /** Their names in the order in which violations are printed. */
  readonly printed: readonly string[]
  readonly required: readonly string[]
  /** The service hides all values inside in its messages. */
  readonly hidden?: boolean
}

/** What a file declares, as its shape knows it: members without a shape and nulls are left out. */
export interface Reading {
  readonly value: JsonObject
  /** What is wrong, each in a sentence of the service without its count. */
  readonly violations: readonly string[]
  /** Members that the shape does not have; the API ignores them. */
  readonly unknown: readonly UnknownMember[]
  /** Paths of role ARNs that are none. */
  readonly badRoles: readonly string[]
}

export interface UnknownMember {
  readonly path: string
  readonly name: string
  /** The members that could stand there. */
  readonly known: readonly string[]
}

/** One walk through an input. */
interface Walk {
  readonly violations: Violations
  readonly badRoles: string[]
  readonly unknown: UnknownMember[]
  /** A file: its author hears of what the service passes over, unknown members and fractions, and sees every value. */
  readonly strict: boolean
  hidden: boolean
}

const INTEGER_MIN = -2_147_483_648
const INTEGER_MAX = 2_147_483_647

/**
 * Reads what a file declares.
 *
 * @throws ClientError SerializationException for a value of the wrong JSON type
 */
export function readStructure(shape: StructureShape, input: unknown): Reading {
  const walk = newWalk(true)
  const value = structure(shape, input, '', walk)
  return { value, violations: walk.violations.sentences, badRoles: walk.badRoles, unknown: walk.unknown }
}

/** The request, or the service's error. */
export function validated(shape: StructureShape, input: unknown): JsonObject {
  const walk = newWalk(false)
  const value = structure(shape, input ?? {}, '', walk)
  if (walk.badRoles.length > 0) throw new ClientError('InvalidParameterValueException', 'Invalid role ARN.')
  const { sentences } = walk.violations
  if (sentences.length > 0) throw new ClientError('ValidationException', violationMessage(sentences))
  return value
}

function newWalk(strict: boolean): Walk {
  return { violations: new Violations(), badRoles: [], unknown: [], strict, hidden: false }
}

function read(shape: Shape, input: unknown, path: string, walk: Walk): JsonValue {
  switch (shape.type) {
    case 'string':
      return text(shape, input, path, walk)
    case 'integer':
      return integer(shape, input, path, walk)
    case 'double':
    case 'timestamp':
      return real(shape, input, path, walk)
    case 'boolean':
      if (typeof input !== 'boolean') throw wrongType(input, 'Boolean')
      return input
    case 'blob':
      return blob(shape, input, path, walk)
    case 'list':
      return list(shape, input, path, walk)
    case 'map':
      return map(shape, input, path, walk)
    case 'structure':
      return structure(shape, input, path, walk)
    default:
      return shape satisfies never
  }
}

/** Read in the order of print, which in a file is that of the model; built in the order of the model. */
function structure(shape: StructureShape, input: unknown, path: string, walk: Walk): JsonObject {
  if (!isObject(input)) throw wrongType(input, 'structure')
  const outside = walk.hidden
  walk.hidden ||= shape.hidden === true
  const found = new Map<string, JsonValue>()
  for (const name of walk.strict ? Object.keys(shape.members) : shape.printed) {
    const member = shape.members[name]
    const given = Object.hasOwn(input, name) ? input[name] : undefined
    const memberPath = join(path, camelCase(name))
    if (member !== undefined && given !== undefined && given !== null)
      found.set(name, read(member, given, memberPath, walk))
    else if (shape.required.includes(name)) missing(memberPath, walk)
  }
  walk.hidden = outside
  if (walk.strict) tellUnknown(shape, input, path, walk)
  const entries = Object.keys(shape.members).map((name) => [name, found.get(name)] as const)
  return Object.fromEntries(entries.filter((entry): entry is [string, JsonValue] => entry[1] !== undefined))
}

function tellUnknown(shape: StructureShape, input: object, path: string, walk: Walk): void {
  for (const name of Object.keys(input))
    if (!Object.hasOwn(shape.members, name))
      walk.unknown.push({ path: join(path, name), name, known: Object.keys(shape.members) })
}

/** Of a list that is too long only what it may hold is looked at. */
function list(shape: ListShape, input: unknown, path: string, walk: Walk): JsonValue {
  if (!Array.isArray(input)) throw wrongType(input, 'list')
  const items: readonly unknown[] = shape.max === undefined ? input : input.slice(0, shape.max)
  const { of: member } = shape
  const texts = member.type === 'string' ? items.filter((item) => item !== null).map(asText) : []
  const subject = texts.length === items.length ? `[${texts.join(', ')}]` : undefined
  lengthViolations(shape, input.length, subject, path, walk)
  if (member.type === 'string' && !texts.every((item) => satisfies(member, item)))
    tell(subject, path, `Member must satisfy constraint: ${allRules(member)}`, walk)
  const values: JsonValue[] = []
  for (const [index, item] of items.entries()) {
    if (walk.violations.full) break
    const itemPath = `${path}.${index + 1}.member`
    if (item === null) missing(itemPath, walk)
    else if (member.type !== 'string') values.push(read(member, item, itemPath, walk))
  }
  return member.type === 'string' ? texts : values
}

/** However many of its keys or values break their rules, each is told once. */
function map(shape: MapShape, input: unknown, path: string, walk: Walk): JsonValue {
  if (!isObject(input)) throw wrongType(input, 'map')
  const entries: [string, string][] = []
  for (const [key, item] of Object.entries(input))
    if (item === null) missing(`${path}.${quoted(key)}.member`, walk)
    else entries.push([key, asText(item)])
  const subject = `{${entries.map(([key, item]) => `${key}=${item}`).join(', ')}}`
  if (!entries.every(([key]) => satisfies(shape.key, key)))
    tell(subject, path, `Map keys must satisfy constraint: ${allRules(shape.key)}`, walk)
  if (!entries.every(([, item]) => satisfies(shape.of, item)))
    tell(subject, path, `Map value must satisfy constraint: ${allRules(shape.of)}`, walk)
  return Object.fromEntries(entries)
}

function asText(input: unknown): string {
  if (typeof input !== 'string') throw wrongType(input, 'String')
  return input
}

function text(shape: StringShape, input: unknown, path: string, walk: Walk): string {
  const value = asText(input)
  if (shape.rolePattern !== undefined && value !== '' && !matches(shape.rolePattern, value))
    walk.badRoles.push(path)
  else {
    const subject = shape.hidden === true && !walk.strict ? undefined : value
    for (const rule of brokenRules(shape, value)) tell(subject, path, rule, walk)
  }
  return value
}

/** The service cuts fractions off. */
function integer(shape: NumberShape, input: unknown, path: string, walk: Walk): number {
  if (typeof input !== 'number') throw wrongType(input, 'Integer')
  // Plus zero, so that there is no negative one.
  const value = Math.trunc(input) + 0
  if (!(value >= INTEGER_MIN && value <= INTEGER_MAX)) throw wrongType(input, 'Integer')
  if (walk.strict && value !== input) tell(String(input), path, WHOLE_NUMBER_RULE, walk)
  valueViolations(shape, value, path, walk)
  return value
}

/** Java's clients write what JSON has no number for as a string. */
const NOT_FINITE = new Set(['NaN', 'Infinity', '-Infinity'])

function real(shape: NumberShape, input: unknown, path: string, walk: Walk): number {
  if (shape.type === 'timestamp') {
    if (typeof input !== 'number' || !Number.isFinite(input)) throw wrongType(input, 'timestamp')
    return input
  }
  const value = typeof input === 'string' && NOT_FINITE.has(input) ? Number(input) : input
  if (typeof value !== 'number') throw wrongType(input, 'Double')
  valueViolations(shape, value, path, walk)
  return value
}

function valueViolations({ min, max }: NumberShape, value: number, path: string, walk: Walk): void {
  if (max !== undefined && !(value <= max)) tell(String(value), path, valueMaxRule(max), walk)
  if (min !== undefined && !(value >= min)) tell(String(value), path, valueMinRule(min), walk)
}

function blob(shape: BlobShape, input: unknown, path: string, walk: Walk): string {
  if (typeof input !== 'string') throw wrongType(input, 'Blob')
  if (!isBase64(input)) throw notBase64(input)
  const length = base64Length(input)
  const subject = `java.nio.HeapByteBuffer[pos=0 lim=${length} cap=${length}]`
  lengthViolations(shape, length, subject, path, walk)
  return input
}

function lengthViolations(
  { min, max }: { readonly min?: number; readonly max?: number },
  length: number,
  subject: string | undefined,
  path: string,
  walk: Walk,
): void {
  if (min !== undefined && length < min) tell(subject, path, lengthMinRule(min), walk)
  if (max !== undefined && length > max) tell(subject, path, lengthMaxRule(max), walk)
}

function missing(path: string, walk: Walk): void {
  tell(undefined, path, NOT_NULL_RULE, walk)
}

function tell(subject: string | undefined, path: string, rule: string, walk: Walk): void {
  walk.violations.add(walk.hidden && !walk.strict ? undefined : subject, path, rule)
}

function isObject(input: unknown): input is Record<string, unknown> {
  return typeof input === 'object' && input !== null && !Array.isArray(input)
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
