/**
 * Constraints as data, and the one engine that reads a request by them and words what is wrong as AWS does.
 *
 * A shape mirrors the service model of 2015-08-04. Reading has two outcomes besides success: a value of the wrong JSON
 * type is a SerializationException at once; broken constraints are collected, all of them, into one ValidationException.
 */
import { ClientError } from '../../domain/errors.ts'
import type { JsonObject, JsonValue } from '../../domain/delivery-stream.ts'

export type Shape =
  StringShape | NumberShape | { readonly type: 'boolean' } | BlobShape | ListShape | MapShape | StructureShape

export interface StringShape {
  readonly type: 'string'
  readonly min?: number
  readonly max?: number
  /** As the service prints it; the whole value must match. */
  readonly pattern?: string
  /** Enumeration in the order in which the service prints it. */
  readonly values?: readonly string[]
  /** The service hides the value in its message. */
  readonly hidden?: boolean
  /** A role ARN has a pattern of its own, answered before everything else. */
  readonly role?: boolean
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
  readonly of: Shape
}

export interface StructureShape {
  readonly type: 'structure'
  /** In the order in which violations are printed. */
  readonly members: Readonly<Record<string, Shape>>
  readonly required?: readonly string[]
}

/** A request as its shape knows it: members without a shape and nulls are left out. */
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

interface Findings {
  readonly violations: string[]
  readonly unknown: UnknownMember[]
  readonly badRoles: string[]
}

/** @throws ClientError SerializationException for a value of the wrong JSON type */
export function readStructure(shape: StructureShape, input: unknown): Reading {
  const findings: Findings = { violations: [], unknown: [], badRoles: [] }
  const value = structure(shape, input, '', findings)
  return { value, ...findings }
}

/** The request, or the service's error. */
export function validated(shape: StructureShape, input: unknown): JsonObject {
  const { value, violations, badRoles } = readStructure(shape, input)
  if (badRoles.length > 0) throw new ClientError('InvalidParameterValueException', 'Invalid role ARN.')
  if (violations.length > 0) throw new ClientError('ValidationException', violationMessage(violations))
  return value
}

export function violationMessage(violations: readonly string[]): string {
  const plural = violations.length === 1 ? '' : 's'
  return `${violations.length} validation error${plural} detected: ${violations.join('; ')}`
}

function read(shape: Shape, input: unknown, path: string, findings: Findings): JsonValue {
  switch (shape.type) {
    case 'string':
      return text(shape, input, path, findings)
    case 'integer':
    case 'double':
    case 'timestamp':
      return number(shape, input, path, findings)
    case 'boolean':
      if (typeof input !== 'boolean') throw wrongType(input, 'Boolean')
      return input
    case 'blob':
      return blob(shape, input, path, findings)
    case 'list':
      return list(shape, input, path, findings)
    case 'map':
      return map(shape, input, path, findings)
    case 'structure':
      return structure(shape, input, path, findings)
    default:
      return shape satisfies never
  }
}

function structure(shape: StructureShape, input: unknown, path: string, findings: Findings): JsonObject {
  if (!isObject(input)) throw wrongType(input, 'structure')
  const value: Record<string, JsonValue> = {}
  for (const [name, member] of Object.entries(shape.members)) {
    const given = Object.hasOwn(input, name) ? input[name] : undefined
    const memberPath = join(path, lowerFirst(name))
    if (given !== undefined && given !== null) value[name] = read(member, given, memberPath, findings)
    else if (shape.required?.includes(name) === true) missing(memberPath, findings)
  }
  for (const name of Object.keys(input))
    if (!Object.hasOwn(shape.members, name))
      findings.unknown.push({ path: join(path, name), name, known: Object.keys(shape.members) })
  return value
}

function list(shape: ListShape, input: unknown, path: string, findings: Findings): JsonValue {
  if (!Array.isArray(input)) throw wrongType(input, 'list')
  lengthViolations(shape, input.length, input.length === 0 ? "Value '[]'" : 'Value', path, findings)
  return input.map((item: unknown, index) => {
    const itemPath = `${path}.${index + 1}.member`
    if (item !== null && item !== undefined) return read(shape.of, item, itemPath, findings)
    missing(itemPath, findings)
    return null
  })
}

function map(shape: MapShape, input: unknown, path: string, findings: Findings): JsonValue {
  if (!isObject(input)) throw wrongType(input, 'map')
  const entries: [string, JsonValue][] = []
  for (const [key, item] of Object.entries(input)) {
    text(shape.key, key, path, findings)
    const itemPath = `${path}.${key}.member`
    if (item === null) missing(itemPath, findings)
    else entries.push([key, read(shape.of, item, itemPath, findings)])
  }
  return Object.fromEntries(entries)
}

function text(shape: StringShape, input: unknown, path: string, findings: Findings): string {
  if (typeof input !== 'string') throw wrongType(input, 'String')
  const subject = shape.hidden === true ? 'Value' : `Value '${input}'`
  if (shape.values !== undefined && !shape.values.includes(input))
    violation(subject, path, `Member must satisfy enum value set: [${shape.values.join(', ')}]`, findings)
  if (shape.pattern !== undefined && !whole(shape.pattern).test(input)) {
    if (shape.role === true) findings.badRoles.push(path)
    else
      violation(subject, path, `Member must satisfy regular expression pattern: ${shape.pattern}`, findings)
  }
  lengthViolations(shape, input.length, subject, path, findings)
  return input
}

function number(shape: NumberShape, input: unknown, path: string, findings: Findings): number {
  const kind = shape.type === 'integer' ? 'Integer' : 'Double'
  if (typeof input !== 'number' || (shape.type === 'integer' && !Number.isInteger(input)))
    throw wrongType(input, kind)
  const subject = `Value '${input}'`
  if (shape.min !== undefined && input < shape.min)
    violation(subject, path, `Member must have value greater than or equal to ${shape.min}`, findings)
  if (shape.max !== undefined && input > shape.max)
    violation(subject, path, `Member must have value less than or equal to ${shape.max}`, findings)
  return input
}

function blob(shape: BlobShape, input: unknown, path: string, findings: Findings): string {
  if (typeof input !== 'string') throw wrongType(input, 'Blob')
  const length = base64Length(input)
  if (!isBase64(input)) throw notBase64()
  const subject = `Value 'java.nio.HeapByteBuffer[pos=0 lim=${length} cap=${length}]'`
  lengthViolations({ max: shape.max }, length, subject, path, findings)
  return input
}

/** The standard alphabet, padded, nothing else. */
export function isBase64(input: string): boolean {
  if (input.length % 4 !== 0) return false
  const unpadded = input.endsWith('==') ? -2 : input.endsWith('=') ? -1 : input.length
  return !/[^A-Za-z0-9+/]/.test(input.slice(0, unpadded))
}

/** Bytes that a well-formed base64 text stands for. */
export function base64Length(input: string): number {
  const { length } = input
  if (length === 0) return 0
  const padding = input.charCodeAt(length - 1) !== 0x3d ? 0 : input.charCodeAt(length - 2) === 0x3d ? 2 : 1
  return (length >>> 2) * 3 - padding
}

export function notBase64(): ClientError {
  return new ClientError('SerializationException', 'Data can not be converted to a Blob: it is not base64')
}

function lengthViolations(
  shape: { readonly min?: number; readonly max?: number },
  length: number,
  subject: string,
  path: string,
  findings: Findings,
): void {
  if (shape.min !== undefined && length < shape.min)
    violation(subject, path, `Member must have length greater than or equal to ${shape.min}`, findings)
  if (shape.max !== undefined && length > shape.max)
    violation(subject, path, `Member must have length less than or equal to ${shape.max}`, findings)
}

function missing(path: string, findings: Findings): void {
  violation('Value', path, 'Member must not be null', findings)
}

function violation(subject: string, path: string, rule: string, findings: Findings): void {
  findings.violations.push(`${subject} at '${path}' failed to satisfy constraint: ${rule}`)
}

/** The service's front end speaks of Java. */
function wrongType(input: unknown, expected: string): ClientError {
  return new ClientError('SerializationException', wrongTypeMessage(input, expected))
}

function wrongTypeMessage(input: unknown, expected: string): string {
  if (Array.isArray(input)) return 'Start of list found where not expected'
  if (isObject(input)) return 'Start of structure or map found where not expected.'
  if (expected === 'list') return 'Expected list or null'
  if (expected === 'map') return 'Expected map or null'
  if (expected === 'structure') return 'Expected null'
  const actual =
    typeof input === 'number'
      ? 'java.math.BigDecimal'
      : typeof input === 'boolean'
        ? 'java.lang.Boolean'
        : 'java.lang.String'
  return `class ${actual} can not be converted to ${expected === 'Blob' ? 'a' : 'an'} ${expected}`
}

const patterns = new Map<string, RegExp>()

function whole(pattern: string): RegExp {
  let compiled = patterns.get(pattern)
  if (compiled === undefined) {
    compiled = new RegExp(`^(?:${pattern})$`, pattern.includes('\\p{') ? 'u' : '')
    patterns.set(pattern, compiled)
  }
  return compiled
}

function isObject(input: unknown): input is Record<string, unknown> {
  return typeof input === 'object' && input !== null && !Array.isArray(input)
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}
