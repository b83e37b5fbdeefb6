import { useEffect, useRef, useState } from 'preact/hooks';
import { errorText } from '../api.js';

interface ConfirmButtonProps {
  text: string;
  /** What is asked before it happens. */
  question: string;
  act: () => Promise<unknown>;
}

/** A button for what cannot be taken back. */
export function ConfirmButton({ text, question, act }: ConfirmButtonProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  useEffect(() => () => dialog.current?.close(), []);
  const run = async (): Promise<void> => {
    setBusy(true);
    try {
      await act();
      dialog.current?.close();
    } catch (error) {
      setProblem(errorText(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <button
        type="button"
        class="button button-danger"
        onClick={() => {
          setProblem('');
          dialog.current?.showModal();
        }}
      >
        {text}
      </button>
      <dialog ref={dialog} class="dialog" aria-label={text}>
        <p>{question}</p>
        {problem !== '' && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="button" class="button button-danger" disabled={busy} onClick={() => void run()}>
            {text}
          </button>
        </div>
      </dialog>
    </>
  );
}
