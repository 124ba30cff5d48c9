"""Fill a fresh CRM database: one organisation, its administrator and a personal access token.

Runs inside the CRM's environment (see servers.py). Prints one JSON object: what a client needs.
"""

import json

import django

django.setup()

from common.models import Org, PersonalAccessToken, Profile, User  # noqa: E402

EMAIL = "admin@example.com"
PASSWORD = "crm-Secret1"


def main() -> None:
    """Create the records; the token itself is only known here, the database holds its hash."""
    user = User.objects.create(email=EMAIL, is_active=True)
    user.set_password(PASSWORD)
    user.save()
    org = Org.objects.create(name="Example Trading")
    profile = Profile.objects.create(user=user, org=org, role="ADMIN", is_organization_admin=True)
    token, _ = PersonalAccessToken.generate(profile, "syncline")
    print(json.dumps({"token": token, "account": str(org.id), "user": EMAIL, "password": PASSWORD}))


if __name__ == "__main__":
    main()
