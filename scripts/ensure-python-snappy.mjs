// Before the tests: a Python that reads Hadoop's Snappy is there, or is installed where that is allowed, or the message
// says what to install. Compressed objects are read back by decoders that are not ours.
import process from 'node:process'
import { installDebianPackage, output } from './debian-packages.mjs'

/** Debian's package is for Debian's Python, which need not be the first in the PATH. */
const PYTHONS = ['python3', '/usr/bin/python3']

function readsHadoopSnappy() {
  return PYTHONS.some((python) => output(python, '-c', 'import snappy.hadoop_snappy') !== undefined)
}

if (!readsHadoopSnappy()) installDebianPackage('python3-snappy')

if (!readsHadoopSnappy()) {
  process.stderr
    .write(`The tests read compressed objects back with Python, but no Python here has python-snappy.
Install it, so that "python3 -c 'import snappy.hadoop_snappy'" works, and run the tests again:
  Debian, Ubuntu:  sudo apt-get update && sudo apt-get install -y python3-snappy
  elsewhere:       python3 -m pip install python-snappy
`)
  process.exit(1)
}
