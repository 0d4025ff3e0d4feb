/** A question that is refused: the reason goes to who asked and into the audit log. */
export class Refusal extends Error {
  override name = "Refusal";

  /** @param status of HTTP */
  constructor(readonly status: 400 | 403 | 404 | 409 | 413 | 422, message: string) {
    super(message);
  }
}
