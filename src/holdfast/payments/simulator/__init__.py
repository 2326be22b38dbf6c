"""Payment providers to try and test against, over real HTTP: strict, with a memory, faults, bills and a wallet.

    python -m holdfast.payments.simulator --port 8090

It shares no code with our adapters, so that one misunderstanding cannot hide in both. WeChat Pay is at ``/v3``, Alipay
below ``/alipay``, Stripe below ``/stripe``; ``/wallet`` is the payer's phone; ``/oidc`` says who people are; ``/_sim/…`` controls everything and
tells the truth. No real money anywhere.
"""
