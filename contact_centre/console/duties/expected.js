// A call that was asked for in one tab rings in the tab that has the telephone: it is told to answer by itself.
const channel = new BroadcastChannel("calls asked for");

export function callIsComing(callId) {
  channel.postMessage(callId);
}

export function expectCalls(expect) {
  channel.addEventListener("message", ({ data }) => expect(data));
}
