"""A payment provider to try and test against: WeChat Pay APIv3 over real HTTP, strict, with a memory, faults and a wallet.

    python -m holdfast.payments.simulator --port 8090

It shares no code with our adapter, so that one misunderstanding cannot hide in both. `/v3/…` speaks the protocol,
`/wallet` is the payer's phone, `/_sim/…` controls it and tells the truth. No real money anywhere.
"""
