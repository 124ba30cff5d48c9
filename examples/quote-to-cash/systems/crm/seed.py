"""Fill a fresh CRM database: one organisation, its administrator, a personal access token, some fields of its own.

Runs inside the CRM's environment (see servers.py). Prints one JSON object: what a client needs.
"""

import json

import django

django.setup()

from common.models import CustomFieldDefinition, Org, PersonalAccessToken, Profile, User  # noqa: E402

EMAIL = "admin@example.com"
PASSWORD = "crm-Secret1"
CUSTOM_FIELDS = (  # what the company added to the CRM's own fields: record, key, label
    ("Account", "payment_terms", "Payment terms"),
    ("Invoice", "payment_status", "Payment status"),
    ("Invoice", "open_balance", "Open balance"),
)


def main() -> None:
    """Create the records; the token itself is only known here, the database holds its hash."""
    user = User.objects.create(email=EMAIL, is_active=True)
    user.set_password(PASSWORD)
    user.save()
    org = Org.objects.create(name="Example Trading")
    profile = Profile.objects.create(user=user, org=org, role="ADMIN", is_organization_admin=True)
    for target, key, label in CUSTOM_FIELDS:
        CustomFieldDefinition.objects.create(org=org, target_model=target, key=key, label=label, field_type="text")
    token, _ = PersonalAccessToken.generate(profile, "syncline")
    print(json.dumps({"token": token, "account": str(org.id), "user": EMAIL, "password": PASSWORD}))


if __name__ == "__main__":
    main()
