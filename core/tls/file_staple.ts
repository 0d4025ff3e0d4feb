/** An OCSP response that somebody else renews, in a file. */
import type { OcspAnswer, OcspSubject } from "../../ffi/ocsp.ts";
import { isValid, type StapleClock } from "./staple_times.ts";

export class FileStaple {
  readonly identity: string;
  #der: Uint8Array<ArrayBuffer>;
  #answer: OcspAnswer;
  #wasValid = true;

  /** Takes the subject over. Throws Error where the file holds no answer about it that could ever be sent. */
  constructor(readonly file: string, subject: OcspSubject, readonly options: StapleClock) {
    this.#der = Deno.readFileSync(file);
    this.#answer = subject.read(this.#der);
    subject.close();
    this.identity = `file ${file}`;
    this.look();
  }

  get response(): Uint8Array<ArrayBuffer> | undefined {
    return isValid(this.#answer, this.options.now()) ? this.#der : undefined;
  }

  /** Says it once when it is out of date. A new file makes a new staple. */
  look(): void {
    const isNowValid = this.response !== undefined;
    if (this.#wasValid && !isNowValid) {
      this.options.log(`the OCSP response ${this.file} is out of date and is not sent`);
    }
    this.#wasValid = isNowValid;
  }

  close(): void {}
}
