import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Where most tests start processes, and so wait most of their time. */
const withProcesses = /\/test\/(?:end-to-end|supervisor\/plain|library|cli|compatibility)\//

/**
 * The order of the test files: those that take long begin first, so that none of them is alone at the end. A clean clone does not
 * know yet how long each takes, and Vitest then goes by their sizes.
 */
export class ProcessesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isFirst = ({ moduleId }: TestSpecification): boolean => withProcesses.test(moduleId)
    return [...sorted.filter(isFirst), ...sorted.filter((file) => !isFirst(file))]
  }
}
