import type { Tap } from './proxy.js';

/**
 * Ends a connection when the server answers to a whole mail, in place of that answer: the server has the mail, and the sender cannot know.
 * @param vanishes asked when such an answer comes
 */
export function createSmtpTap(vanishes: () => boolean): Tap {
  let state: 'talk' | 'data asked' | 'text' = 'talk';
  return {
    toServer(chunk) {
      if (state === 'talk' && /^DATA\r\n/im.test(chunk.toString('latin1'))) state = 'data asked';
      return chunk;
    },
    toClient(chunk) {
      if (state === 'data asked') {
        // Answers to commands that were sent with it may come before.
        const answers = chunk.toString('latin1');
        if (/^354/m.test(answers)) state = 'text';
        else if (/^[45]/m.test(answers)) state = 'talk';
      } else if (state === 'text') {
        state = 'talk';
        if (vanishes()) return null;
      }
      return chunk;
    },
  };
}
