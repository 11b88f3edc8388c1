/** The source files as the TypeScript compiler sees them: what each imports, and how long its functions are. */
import { readdirSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Node, SourceFile } from 'typescript/unstable/ast'
import {
  isCallExpression,
  isExportDeclaration,
  isFunctionLikeDeclaration,
  isIdentifier,
  isImportDeclaration,
  isPropertyAccessExpression,
  isStringLiteral,
} from 'typescript/unstable/ast/is'
import { API } from 'typescript/unstable/sync'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface SourceFileFacts {
  /** From the repository's root. */
  readonly path: string
  readonly lines: number
  /** What it imports or exports from, also dynamically: a path from the repository's root, or a package's name. */
  readonly imports: readonly string[]
  /** Those of them that are loaded with it: no types, and nothing dynamic. */
  readonly loads: readonly string[]
  readonly functions: readonly { readonly name: string; readonly lines: number }[]
  readonly readsEnvironment: boolean
}

/** The files below `folder` that the project of tsconfig.test.json holds. */
export function readSourceTree(folder: string): readonly SourceFileFacts[] {
  const api = new API({ cwd: root })
  try {
    const config = resolve(root, 'tsconfig.test.json')
    const project = api.updateSnapshot({ openProjects: [config] }).getProjects()[0]
    if (project === undefined) throw new Error(`open ${config}: the compiler found no project`)
    return typescriptFiles(folder).map((path) => {
      const file = project.program.getSourceFile(resolve(root, path))
      if (file === undefined) throw new Error(`read ${path}: it is in no project`)
      return factsOf(path, file)
    })
  } finally {
    api.close()
  }
}

/** Every file and folder below `folder`, from the repository's root. */
export function pathsBelow(folder: string): string[] {
  return readdirSync(resolve(root, folder), { recursive: true, encoding: 'utf8' }).map(
    (name) => `${folder}/${name}`,
  )
}

function typescriptFiles(folder: string): string[] {
  return pathsBelow(folder).filter((path) => path.endsWith('.ts') && !path.includes('/.'))
}

function factsOf(path: string, file: SourceFile): SourceFileFacts {
  const imports: string[] = []
  const loads: string[] = []
  const functions: { name: string; lines: number }[] = []
  let readsEnvironment = false
  const lineOf = (position: number): number => file.text.slice(0, position).split('\n').length
  const visit = (node: Node): void => {
    const module = importedModule(node)
    if (module !== undefined) {
      imports.push(named(path, module))
      if (isLoadedWith(node, file)) loads.push(named(path, module))
    }
    if (isFunctionLikeDeclaration(node)) {
      const start = lineOf(node.getStart(file))
      functions.push({ name: nameOf(node) ?? `line ${start}`, lines: lineOf(node.end) - start + 1 })
    }
    if (isPropertyAccessExpression(node) && node.getText(file) === 'process.env') readsEnvironment = true
    node.forEachChild(visit)
  }
  file.forEachChild(visit)
  return { path, lines: file.text.trimEnd().split('\n').length, imports, loads, functions, readsEnvironment }
}

function importedModule(node: Node): string | undefined {
  if ((isImportDeclaration(node) || isExportDeclaration(node)) && node.moduleSpecifier !== undefined) {
    return isStringLiteral(node.moduleSpecifier) ? node.moduleSpecifier.text : undefined
  }
  if (!isCallExpression(node) || node.expression.getText() !== 'import') return undefined
  const [module] = node.arguments
  return module !== undefined && isStringLiteral(module) ? module.text : undefined
}

/** An import or export that stays when types are taken away. */
function isLoadedWith(node: Node, file: SourceFile): boolean {
  return !isCallExpression(node) && !/^(?:import|export)\s+type\b/.test(node.getText(file))
}

/** A file of ours by its path, a package by its name without the path inside it. */
function named(importer: string, module: string): string {
  if (module.startsWith('.')) return relative(root, resolve(root, importer, '..', module))
  if (module.startsWith('node:')) return module
  return module.split('/', module.startsWith('@') ? 2 : 1).join('/')
}

function nameOf(node: Node): string | undefined {
  const name: unknown = Reflect.get(node, 'name')
  return typeof name === 'object' && name !== null && isIdentifier(name as Node)
    ? (name as Node).getText()
    : undefined
}
