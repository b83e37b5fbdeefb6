import { PROPERTIES } from '../../fuzz/properties/all.js';
import { runCase } from '../../fuzz/support/property.js';

const SEED = 1;
/** `make fuzz` makes some hundred thousand. */
const CASES = 25;

/** The properties of `make fuzz` with the same inputs each time, so that the fuzzers themselves cannot rot. */
for (const [target, properties] of Object.entries(PROPERTIES))
  describe(`Broken input of the target ${target}`, function () {
    this.timeout(60_000);
    for (const property of properties)
      it(`${property.name.replaceAll('_', ' ')}, ${CASES} cases`, async () => {
        for (let index = 0; index < CASES; index++) await runCase(property, SEED, index);
      });
  });
