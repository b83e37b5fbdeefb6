/** Numbers of 16 bits that go up, and begin anew behind the highest. */
const MODULUS = 65_536;

/** Judges the numbers of one user's pictures. */
export class NumberCheck {
  #last: number | undefined;

  /** `strict`: numbers only go up, over every gap. Otherwise the sender may begin anew, and a number only has to be another one. */
  constructor(private readonly strict: boolean) {}

  /** "back" only when strict. */
  accept(number: number): 'new' | 'same' | 'back' {
    const last = this.#last;
    this.#last = number;
    if (last === undefined) return 'new';
    if (last === number) return 'same';
    if (!this.strict || (number - last + MODULUS) % MODULUS < MODULUS / 2) return 'new';
    return 'back';
  }
}
