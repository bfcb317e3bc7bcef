/** Microphones, loudspeakers, what an operator has chosen of them, and the sound of ringing. */

const REMEMBERED = "desk-devices";
const UNCHOSEN = { microphone: null, speaker: "", ringer: "", processing: true };

/** The devices that were chosen in this browser. */
export function chosen() {
  try {
    return { ...UNCHOSEN, ...JSON.parse(localStorage.getItem(REMEMBERED)) };
  } catch {
    return UNCHOSEN;
  }
}

export function choose(devices) {
  localStorage.setItem(REMEMBERED, JSON.stringify(devices));
}

/** What an operator can choose from; names are known once the microphone was allowed. */
export async function devices() {
  const all = await navigator.mediaDevices.enumerateDevices();
  const of = (kind) => all.filter((one) => one.kind === kind).map(({ deviceId, label }) => ({ id: deviceId, label }));
  return { microphones: of("audioinput"), speakers: of("audiooutput") };
}

/** What getUserMedia is asked for; a chosen device that is gone is replaced by the system's own. */
export function constraints({ microphone = null, processing = true } = {}) {
  const audio = { echoCancellation: processing, noiseSuppression: processing, autoGainControl: processing };
  return { audio: microphone ? { ...audio, deviceId: { ideal: microphone } } : audio, video: false };
}

/**
 * Listen to the microphone without a call: `level()` is its loudness now, 0 to 1; `stop()` lets it go.
 * Rejects as getUserMedia does: NotAllowedError, NotFoundError, NotReadableError.
 */
export async function testMicrophone(choice = {}) {
  const stream = await navigator.mediaDevices.getUserMedia(constraints(choice));
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  return {
    label: stream.getAudioTracks()[0].label,
    level() {
      analyser.getFloatTimeDomainData(samples);
      return Math.min(1, Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length) * Math.SQRT2);
    },
    async stop() {
      for (const track of stream.getTracks()) track.stop();
      await context.close();
    },
  };
}

/** Whether the browser lets this page make a sound yet; some do so only after a click. */
export async function rings() {
  const context = new AudioContext();
  await Promise.race([context.resume(), new Promise((resolve) => { setTimeout(resolve, 500); })]);
  const allowed = context.state === "running";
  await context.close();
  return allowed;
}

const HERTZ = 425;
const ON_S = 1;
const PERIOD_S = 4;
const LOUDNESS = 0.15;

/** Ukraine's own ringing tone, one second in four, until `quiet()`. */
export class Ringer {
  #context = null;
  #timer = null;
  #device = "";

  /** Ring by this loudspeaker from the next call on; a browser that cannot choose rings by the system's own. */
  use(device) {
    this.#device = device;
  }

  ring() {
    if (this.#timer !== null) return;
    this.#context ??= new AudioContext();
    this.#context.setSinkId?.(this.#device).catch(() => {}); // the device is gone: the system's own rings
    const once = () => {
      const [tone, gain] = [new OscillatorNode(this.#context, { frequency: HERTZ }), new GainNode(this.#context)];
      gain.gain.value = LOUDNESS;
      tone.connect(gain).connect(this.#context.destination);
      tone.start();
      tone.stop(this.#context.currentTime + ON_S);
    };
    once();
    this.#timer = setInterval(once, PERIOD_S * 1000);
  }

  quiet() {
    clearInterval(this.#timer);
    this.#timer = null;
    this.#context?.close();
    this.#context = null;
  }
}
